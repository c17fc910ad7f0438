"""Sets the clock of a Python process ahead by CLOCK_AHEAD seconds: stands on the PYTHONPATH of that process alone."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=float(os.environ["CLOCK_AHEAD"])), tick=True).start()
