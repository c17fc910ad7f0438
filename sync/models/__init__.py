"""Rows of the orchestrator, and what all mirrored records have in common."""

from sync.models.accounts import PasswordGuess, SignIn
from sync.models.columns import ColumnDrift
from sync.models.erp import ErpDay, SeenList
from sync.models.events import SyncEvent
from sync.models.mirrored import AMOUNT, NUMBER, TEXT, MirroredColumn, MirroredModel, list_indexes
from sync.models.orchestration import (
    Alert,
    OrderFormSession,
    RejectedLogin,
    SyncLock,
    SyncSchedule,
    SyncWorker,
    WorkerWatch,
)
from sync.models.runs import RecordChange, SyncRun
from sync.models.search_word import SearchWord

__all__ = [
    "AMOUNT",
    "NUMBER",
    "TEXT",
    "Alert",
    "ColumnDrift",
    "ErpDay",
    "MirroredColumn",
    "MirroredModel",
    "OrderFormSession",
    "PasswordGuess",
    "RecordChange",
    "RejectedLogin",
    "SearchWord",
    "SeenList",
    "SignIn",
    "SyncEvent",
    "SyncLock",
    "SyncRun",
    "SyncSchedule",
    "SyncWorker",
    "WorkerWatch",
    "list_indexes",
]
