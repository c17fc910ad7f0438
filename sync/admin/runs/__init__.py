"""The list of runs and a run's own pages; the buttons of a run are in `sync/admin/sync_run.py`."""
