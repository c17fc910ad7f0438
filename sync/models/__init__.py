"""Rows of the orchestrator, and what all mirrored records have in common."""

from sync.models.mirrored import MirroredModel, list_indexes
from sync.models.orchestration import OrderFormSession, SyncEvent, SyncLock, SyncSchedule, SyncWorker
from sync.models.runs import RecordChange, SyncRun

__all__ = [
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
