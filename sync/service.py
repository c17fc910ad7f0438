"""What a sync type declares, and the registry of the types in settings.SYNC_TYPES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from sync.erp.client import ErpList
from sync.exceptions import NotMirrored
from sync.exports.layout import ExportLayout, Source
from sync.messages import Message
from sync.models import MirroredModel


@dataclass(frozen=True)
class Notice:
    """Something that nobody but a person can put right, and what to do; in the reader's language."""

    text: str
    action: str


@dataclass(frozen=True)
class Reference:
    """A field of one list whose texts are those of another list's field: each price names its product."""

    field: str
    target: str  # the other list's sync type
    target_field: str


@dataclass(frozen=True)
class CrossCheck:
    """What else agrees where all is well: fields of one record, or of it and of the records that it names.

    `agrees` takes a record, and with a `reference` the records that it names too, all with the fields that are given
    here; it gives None where they say nothing, as where a column was never shown. No disagreement stops a run. An
    assumed check was not seen to hold: what breaks it may be right.
    """

    text: str  # what is so, marked to be translated
    fields: tuple[str, ...]
    agrees: Callable[..., bool | None]
    source: Source
    evidence: str  # in how many records of real exports it was seen to hold
    reference: Reference | None = None
    their_fields: tuple[str, ...] = ()

    @property
    def is_assumed(self) -> bool:
        return self.source is not Source.MEASURED


@dataclass(frozen=True)
class LossColumn:
    """What a person judges by whether a record may be lost: a field of it, or a value that is found elsewhere."""

    name: str
    label: Any = None  # the field's own, if it is one of the record
    value: models.Subquery | None = None
    field: models.Field[Any, Any] | None = None  # of another list, as which the value is printed


class SyncService:
    """One list of the ERP: where it comes from, what its export looks like, where it is mirrored."""

    erp_list: ClassVar[ErpList]
    layout: ClassVar[ExportLayout]
    model: ClassVar[type[MirroredModel]]
    references: ClassVar[tuple[Reference, ...]] = ()  # what its records name of other lists
    cross_checks: ClassVar[tuple[CrossCheck, ...]] = ()
    looks_count_for: ClassVar[timedelta] = timedelta(hours=6)  # after an export; then one comes, whatever a look says
    may_be_empty: ClassVar[bool] = False  # whether a list without a record may be right
    loss_columns: ClassVar[tuple[LossColumn, ...]] = ()  # beside the record's key and name
    smart: ClassVar[bool] = False  # whether order forms may ask for a smart sync of it
    account_field: ClassVar[str] = ""  # says whose a record is, in a list that names customers
    personal_fields: ClassVar[tuple[str, ...]] = ()  # may tell who that customer is: erased with his data
    identifying_fields: ClassVar[tuple[str, ...]] = ()  # the ones that tell it wherever they stand

    def __init__(self, sync_type: str) -> None:
        self.sync_type = sync_type

    def find_records(self, account_number: str) -> models.QuerySet[MirroredModel]:
        """The records of a customer, removed ones too; none of a list that names no customers, or without a number."""
        records = self.model._default_manager.all()
        if not (self.account_field and account_number):
            return records.none()
        return records.filter(**{self.account_field: account_number})

    def describe_doubts(self) -> list[Message]:
        """What the mirrored records leave open, for the notes of the run that has just applied them."""
        return []

    def update_others(self) -> None:
        """Change what follows from these records elsewhere, in the transaction that has just applied some."""

    def find_notices(self) -> list[Notice]:
        """What somebody has to decide before these records can be used as they should."""
        return []


@cache
def get_service(sync_type: str) -> SyncService:
    """The service of a sync type. Raises NotMirrored for a type that settings.SYNC_TYPES does not have."""
    if sync_type not in settings.SYNC_TYPES:
        raise NotMirrored(sync_type=Message(sync_type))
    service: SyncService = import_string(settings.SYNC_TYPES[sync_type]["service"])(sync_type)
    return service


def find_service(sync_type: str) -> SyncService | None:
    """None for a type that was mirrored once and is no more."""
    return get_service(sync_type) if sync_type in settings.SYNC_TYPES else None


def list_types() -> list[str]:
    """Every sync type, the most urgent first."""
    return sorted(settings.SYNC_TYPES, key=lambda name: -settings.SYNC_TYPES[name]["priority"])


def list_services() -> list[SyncService]:
    """Every service, the most urgent type first."""
    return [get_service(sync_type) for sync_type in list_types()]


def get_service_for_model(model: type[MirroredModel]) -> SyncService:
    """The service whose records these are."""
    return next(service for service in list_services() if service.model is model)


def list_smart_types() -> list[str]:
    """The types that order forms read, and that no order form pauses."""
    return [service.sync_type for service in list_services() if service.smart]
