"""Rows of the orchestrator, and what all mirrored records have in common."""

from sync.models.mirrored import MirroredColumn, MirroredModel, list_indexes
from sync.models.orchestration import OrderFormSession, SyncEvent, SyncLock, SyncSchedule, SyncWorker
from sync.models.runs import RecordChange, SyncRun

__all__ = [
    "MirroredColumn",
    "MirroredModel",
    "OrderFormSession",
    "RecordChange",
    "SyncEvent",
    "SyncLock",
    "SyncRun",
    "SyncSchedule",
    "SyncWorker",
    "list_indexes",
]
