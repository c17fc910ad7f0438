"""Erasing the data of a customer whom the ERP no longer shows: who that is, and every place that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from django.db import models
from django.utils.timezone import localtime

from customers.models import Customer
from orders.models import Draft, LookedAtCustomer, OrderLine, OrderLinesFetch
from sync.coordinator import runner
from sync.coordinator.mutex import fenced
from sync.database.search import search
from sync.erasure import kept_files, leftovers, tables
from sync.erasure.stores import Pause, Store, Subject, format_plural
from sync.models import MirroredModel, RecordChange, SyncEvent
from sync.service import get_service, list_services

CUSTOMERS, ORDERS = "customers", "orders"
SUGGESTED = 10  # customers
SHORTEST = 5  # characters of a text that tells who somebody is: shorter ones stand anywhere


def list_stores() -> list[Store]:
    """Every place that keeps a customer's data; what comes to keep it is added here."""
    return [
        tables.MirroredRecords(),
        tables.Changes(),
        tables.SearchWords(),
        Drafts(),
        OrderLines(),
        tables.SayingsOfRuns(),
        kept_files.KeptExports(),
        kept_files.PageTables(),
        kept_files.FailureFiles(),
    ]


class NotErasable(Exception):
    """Nothing is erased: the text says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """Who is to be erased: a customer by ID, or an account number that only other lists know any more."""

    erp_id: int | None
    account_number: str


@dataclass(frozen=True)
class Report:
    """What is erased, what the ERP still shows, and where a person has to look; a line for each."""

    erased: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)
    remaining_from_erp: list[str] = field(default_factory=list)


def find_target(text: str, *, by_id: bool = False) -> Target:
    """The removed customer with this account number, or ID. Raises NotErasable."""
    named = models.Q(erp_id=int(text)) if text.isdecimal() and len(text) < 10 else models.Q(pk=None)
    if not by_id:
        named |= models.Q(account_number=text)
    found = find_customers(named)
    if len(found) > 1:
        text = f"Several customers have this number: name one by its ID, with --id.{list_customers(found)}"
        raise NotErasable(text)
    if found:
        check_removed(found[0])
        return Target(found[0].erp_id, found[0].account_number)
    if not by_id and any(service.find_records(text).exists() for service in list_services()):
        return Target(None, text)
    raise NotErasable(describe_unknown(text))


def describe_unknown(text: str) -> str:
    keys = search(Customer.objects.all(), text).keys[:SUGGESTED]
    alike = find_customers(models.Q(pk__in=keys))
    what = f"No customer has the account number or the ID {text!r}; one that was erased is known by its ID alone."
    return f"{what} These are found by it, to be named by one of the two:{list_customers(alike)}" if alike else what


def find_customers(condition: models.Q) -> list[Customer]:
    """Removed ones too."""
    return list(cast(models.QuerySet[Customer], Customer.objects.filter(condition).order_by("erp_id")))


def list_customers(found: Iterable[Customer]) -> str:
    return "".join(f"\n  {describe_customer(customer)}" for customer in found)


def describe_target(target: Target) -> str:
    """Who it is, for the operator's eyes: with name and town, so never for an event or a log."""
    if target.erp_id is None:
        return f"account {target.account_number}, which documents or prices have, and no customer"
    return describe_customer(find_customers(models.Q(erp_id=target.erp_id))[0])


def describe_customer(customer: Customer) -> str:
    removed = f"removed on {localtime(customer.removed_at):%d/%m/%Y}" if customer.removed_at else "shown by the ERP"
    name = customer.name or ("erased" if customer.erased_at else "no name")
    who = ", ".join(filter(None, [name, customer.city, removed]))
    return f"ID {customer.erp_id}, account {customer.account_number or '-'}: {who}"


def check_removed(customer: Customer) -> None:
    """Raises NotErasable for one that the ERP shows, or did in its last export but one."""
    if customer.removed_at is None:
        why = "is absent from one full export only" if customer.missing_since else "is still shown by the ERP"
        raise NotErasable(
            f"This customer {why} ({describe_customer(customer)}), and would come back with the next export. Remove it "
            f"in the ERP, then wait for two full exports without it (manage.py runsync customers --mode full)."
        )


def preview_erasure(target: Target) -> Report:
    """What would be erased; nothing is written."""
    subject = find_subject(target)
    lines = [line for store in list_stores() for line in store.find(subject, lambda: None)]
    return Report(lines, describe_shown(subject))


def erase(target: Target, *, waiting: Callable[[], None]) -> Report:
    """Erase a customer's data while nothing is synced; `waiting` is called as long as a sync goes on.

    Raises NotErasable if the ERP shows the customer again, LeaseLost if another process took the lock: then nothing
    is erased.
    """
    with runner.hold_lock_between_syncs(waiting) as lease:
        if target.erp_id is not None:
            check_removed(find_customers(models.Q(erp_id=target.erp_id))[0])
        subject = find_subject(target)
        chosen = list_stores()
        lines = [line for store in chosen for line in store.find(subject, lease.keep)]
        with fenced(lease):
            for store in chosen:
                store.erase()
            if lines:
                SyncEvent.objects.record(SyncEvent.Kind.CUSTOMER_ERASED, sync_type=CUSTOMERS, customer=target.erp_id)
    return Report(
        lines,
        describe_shown(subject),
        remaining=leftovers.find_remaining(subject, from_erp=False),
        remaining_from_erp=leftovers.find_remaining(subject, from_erp=True),
    )


def find_subject(target: Target) -> Subject:
    gone: dict[str, list[MirroredModel]] = {}
    shown: dict[str, list[MirroredModel]] = {}
    if target.erp_id is not None:
        gone[CUSTOMERS] = [*find_customers(models.Q(erp_id=target.erp_id))]
    # An account that another customer has now says whose the records are: not this one's.
    is_anothers = Customer.objects.present().filter(account_number=target.account_number).exists()
    account_number = "" if is_anothers else target.account_number
    for service in list_services():
        for record in service.find_records(account_number).order_by("pk"):
            (gone if record.removed_at else shown).setdefault(service.sync_type, []).append(record)
    return Subject(account_number, gone, shown, find_identifying_texts(target, gone, shown))


def find_identifying_texts(target: Target, *records: dict[str, list[MirroredModel]]) -> frozenset[str]:
    """The texts, of now and of before, that tell who the customer is, but for those that another one has too."""
    texts: set[str] = set()
    for by_type in records:
        for sync_type, found in by_type.items():
            service = get_service(sync_type)
            names, key = service.identifying_fields, service.layout.key
            texts |= {getattr(record, name) for record in found for name in names}
            keys = [str(getattr(record, key)) for record in found]
            changes = RecordChange.objects.filter(sync_type=sync_type, key__in=keys)
            for fields in changes.values_list("fields", flat=True):
                texts |= {value for name in names for value in fields.get(name, ()) if value}
    identifying = {text for text in texts if len(text) >= SHORTEST}
    return frozenset(identifying - find_shared_texts(identifying, target))


def find_shared_texts(texts: set[str], target: Target) -> set[str]:
    """Those that another customer has, who may be removed as well."""
    names = get_service(CUSTOMERS).identifying_fields
    others = Customer.objects.exclude(models.Q(erp_id=target.erp_id))
    return {value for name in names for value in others.filter(**{f"{name}__in": texts}).values_list(name, flat=True)}


def describe_shown(subject: Subject) -> list[str]:
    return [f"{sync_type}: {format_plural(len(records), 'record')}" for sync_type, records in subject.shown.items()]


class Drafts(Store):
    """What agents wrote into drafts for the customer, and the requests that made these. Articles and prices stay."""

    NOTHING = dict.fromkeys(
        ("notes", "delivery_address", "customer_reference", "idempotency_key", "request_sha256"), ""
    )

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        drafts = Draft.objects.filter(customer__in=[customer.pk for customer in subject.gone.get(CUSTOMERS, ())])
        self.drafts = drafts.exclude(**self.NOTHING)
        count = self.drafts.count()
        return [f"drafts: {format_plural(count, 'draft')}"] if count else []

    def erase(self) -> None:
        self.drafts.update(**self.NOTHING, version=models.F("version") + 1)


class OrderLines(Store):
    """The lines of the customer's orders that the ERP no longer shows, and that agents have looked at the customer."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        orders = [order.pk for order in subject.gone.get(ORDERS, ())]
        customers = [customer.pk for customer in subject.gone.get(CUSTOMERS, ())]
        self.lines = OrderLine.objects.filter(order__in=orders)
        self.fetches = OrderLinesFetch.objects.filter(order__in=orders)
        self.looked_at = LookedAtCustomer.objects.filter(customer__in=customers)
        count = self.lines.count()
        return [f"order lines: {format_plural(count, 'line')}"] if count else []

    def erase(self) -> None:
        for rows in (self.lines, self.fetches, self.looked_at):
            rows.delete()
