"""What a sync type declares, and the registry of the types in settings.SYNC_TYPES."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from django.conf import settings
from django.utils.module_loading import import_string

from sync.erp.client import ErpList
from sync.exceptions import NotMirrored
from sync.exports.layout import ExportLayout
from sync.models import MirroredModel


class SyncService:
    """One list of the ERP: where it comes from, what its export looks like, where it is mirrored."""

    erp_list: ClassVar[ErpList]
    layout: ClassVar[ExportLayout]
    model: ClassVar[type[MirroredModel]]
    smart: ClassVar[bool] = False  # whether order forms may ask for a smart sync of it

    def __init__(self, sync_type: str) -> None:
        self.sync_type = sync_type


@cache
def service_for(sync_type: str) -> SyncService:
    """The service of a sync type. Raises NotMirrored for a type that settings.SYNC_TYPES does not have."""
    if sync_type not in settings.SYNC_TYPES:
        raise NotMirrored(sync_type=sync_type)
    service: SyncService = import_string(settings.SYNC_TYPES[sync_type]["service"])(sync_type)
    return service


def all_types() -> list[str]:
    """Every sync type, the most urgent first."""
    return sorted(settings.SYNC_TYPES, key=lambda name: -settings.SYNC_TYPES[name]["priority"])


def all_services() -> list[SyncService]:
    """Every service, the most urgent type first."""
    return [service_for(sync_type) for sync_type in all_types()]


def smart_types() -> list[str]:
    """The types that order forms read, and that no order form pauses."""
    return [service.sync_type for service in all_services() if service.smart]
