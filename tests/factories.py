"""The dullest valid records; a test states only what matters to it.

Texts that link one list to another are blank unless given: records that should find each other say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task
from factory.declarations import LazyAttribute, LazyFunction, PostGeneration, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory, Password

from customers.models import Customer
from orders.models import Ddt, Draft, DraftLine, Invoice, Order, Price, Product
from sync.models import (
    Alert,
    ColumnDrift,
    MirroredColumn,
    OrderFormSession,
    PasswordGuess,
    RecordChange,
    SignIn,
    SyncEvent,
    SyncRun,
    SyncSchedule,
    SyncWorker,
)

MIRRORED_AT = dt.datetime(2026, 1, 20, 12, 0, tzinfo=dt.UTC)
PASSWORD = "una parola segreta"
Status = SyncRun.Status
ERRORS = {
    Status.FAILED: ("ErpUnavailable", "The ERP did not answer."),
    Status.QUARANTINED: ("TooManyMissing", "The export lacks 400 of the 1450 mirrored records"),
}


class GroupFactory(DjangoModelFactory):
    class Meta:
        model = Group
        skip_postgeneration_save = True

    name = Sequence("group{}".format)
    permissions = PostGeneration(lambda group, create, names: names and group.permissions.set(permissions(names)))


class UserFactory(DjangoModelFactory):
    """Somebody who signs in with PASSWORD: `UserFactory(is_staff=True, permissions=["view_syncrun"])`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence("user{}".format)
    password = Password(PASSWORD)
    permissions = PostGeneration(lambda user, create, names: names and user.user_permissions.set(permissions(names)))
    groups = PostGeneration(lambda user, create, names: names and user.groups.set(Group.objects.filter(name__in=names)))


def permissions(codenames: Iterable[str]) -> QuerySet[Permission]:
    return Permission.objects.filter(codename__in=codenames)


class MirroredFactory(DjangoModelFactory):
    class Meta:
        abstract = True

    created_at = MIRRORED_AT
    changed_at = MIRRORED_AT


class CustomerFactory(MirroredFactory):
    class Meta:
        model = Customer

    erp_id = Sequence(lambda number: 1000 + number)
    name = Sequence(lambda number: f"Studio {number}")


class OrderFactory(MirroredFactory):
    class Meta:
        model = Order

    erp_id = Sequence(lambda number: 2000 + number)
    ordered_at = dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)
    total_amount = Decimal("100.00")


class DdtFactory(MirroredFactory):
    class Meta:
        model = Ddt

    erp_id = Sequence(lambda number: 3000 + number)
    number = Sequence(lambda number: f"DDT/{number:08}")
    delivery_date = dt.date(2026, 1, 20)
    pieces = Decimal(6)


class InvoiceFactory(MirroredFactory):
    class Meta:
        model = Invoice

    number = Sequence(lambda number: f"CF1/{number:08}")
    invoice_date = dt.date(2026, 1, 20)
    total_amount = Decimal("122.00")
    remaining_amount = Decimal("122.00")


class ProductFactory(MirroredFactory):
    class Meta:
        model = Product

    erp_id = Sequence(lambda number: f"{number:06}K2")
    name = Sequence(lambda number: f"9801.314.{number:03}")
    is_orderable = True
    is_blocked = False


class PriceFactory(MirroredFactory):
    class Meta:
        model = Price

    erp_id = Sequence(lambda number: 5000 + number)
    account_code = "Group"
    account = "002"
    account_description = "DETTAGLIO (consigliato)"
    valid_from = dt.date(2022, 7, 1)
    valid_to = dt.date(2154, 12, 31)
    unit_price = Decimal("234.59")
    currency = "EUR"


class DraftFactory(DjangoModelFactory):
    class Meta:
        model = Draft

    user = SubFactory(UserFactory)
    customer = SubFactory(CustomerFactory)
    currency = "EUR"


class DraftLineFactory(DjangoModelFactory):
    class Meta:
        model = DraftLine

    draft = SubFactory(DraftFactory)
    position = 1
    product = SubFactory(ProductFactory)
    quantity = Decimal(1)
    unit_price = Decimal("234.59")
    vat_rate = Decimal(22)


class MirroredColumnFactory(DjangoModelFactory):
    class Meta:
        model = MirroredColumn

    sync_type = "products"
    field = "erp_id"
    last_seen_at = MIRRORED_AT
    applied_at = SelfAttribute("last_seen_at")


class ColumnDriftFactory(DjangoModelFactory):
    class Meta:
        model = ColumnDrift

    sync_type = "products"
    field = "vat_group"
    header = "ID ELEMENTO IVAID"
    kind = ColumnDrift.Kind.HIDDEN
    at = LazyFunction(timezone.now)
    values_as_of = MIRRORED_AT


class SyncRunFactory(DjangoModelFactory):
    """A run that has just succeeded: `SyncRunFactory(status=Status.FAILED, ended_ago=HOUR)` is one that failed before.

    Whatever its status, it has the times that such a run has: all follow from `started_at`, if that is given.
    """

    class Meta:
        model = SyncRun

    class Params:
        waited = dt.timedelta(0)
        took = dt.timedelta(seconds=2)  # so far, if it is running
        ended_ago = dt.timedelta(0)

    sync_type = "customers"
    trigger = SyncRun.Trigger.MANUAL
    priority = 5
    status = Status.SUCCEEDED
    requested_at = LazyAttribute(lambda run: (run.started_at or timezone.now()) - run.waited)
    started_at = LazyAttribute(
        lambda run: None if run.status == Status.QUEUED else timezone.now() - run.ended_ago - run.took
    )
    finished_at = LazyAttribute(
        lambda run: None if run.status in (Status.QUEUED, Status.RUNNING) else run.started_at + run.took
    )
    exported_at = LazyAttribute(
        lambda run: run.finished_at if run.status in (Status.SUCCEEDED, Status.QUARANTINED) else None
    )
    error_class = LazyAttribute(lambda run: ERRORS.get(run.status, ("", ""))[0])
    error_text = LazyAttribute(lambda run: ERRORS.get(run.status, ("", ""))[1])


class RecordChangeFactory(DjangoModelFactory):
    class Meta:
        model = RecordChange

    run = SubFactory(SyncRunFactory)
    sync_type = SelfAttribute("run.sync_type")
    key = Sequence(lambda number: f"{1000 + number}")
    kind = RecordChange.Kind.UPDATED


class SyncEventFactory(DjangoModelFactory):
    class Meta:
        model = SyncEvent

    kind = SyncEvent.Kind.RUN_QUEUED


class AlertFactory(DjangoModelFactory):
    """That a list is failing, to be told to the web address, and due since a minute ago."""

    class Meta:
        model = Alert

    event = SubFactory(
        SyncEventFactory,
        kind=SyncEvent.Kind.HEALTH_CHANGED,
        sync_type="orders",
        facts={"before": "healthy", "after": "failing"},
    )
    channel = Alert.Channel.WEB
    next_attempt_at = LazyFunction(lambda: timezone.now() - dt.timedelta(minutes=1))


class SyncScheduleFactory(DjangoModelFactory):
    """Of a list that is no longer mirrored: those that are have theirs from the migrations."""

    class Meta:
        model = SyncSchedule

    sync_type = Sequence("list{}".format)
    every = 30
    first_at = 0
    counted_from = LazyFunction(timezone.now)


class OrderFormSessionFactory(DjangoModelFactory):
    """An order form that was opened just now, or at `opened_at`, and not used since."""

    class Meta:
        model = OrderFormSession

    user = SubFactory(UserFactory)
    opened_at = LazyFunction(timezone.now)
    active_at = SelfAttribute("opened_at")
    expires_at = LazyAttribute(lambda session: session.active_at + settings.ORDER_FORM_TIMEOUT)


class SyncWorkerFactory(DjangoModelFactory):
    class Meta:
        model = SyncWorker

    name = Sequence("host:{}".format)
    seen_at = LazyFunction(timezone.now)


class TaskFactory(DjangoModelFactory):
    class Meta:
        model = Task

    id = Sequence("{:032}".format)
    name = SelfAttribute("id")
    func = "sync.tasks.tick"
    started = LazyFunction(timezone.now)
    stopped = SelfAttribute("started")


class OrmQFactory(DjangoModelFactory):
    class Meta:
        model = OrmQ

    key = "another cluster's name"
    payload = ""
    lock = LazyFunction(timezone.now)


class ScheduleFactory(DjangoModelFactory):
    class Meta:
        model = Schedule

    name = Sequence("schedule{}".format)
    func = "builtins.print"


class SignInFactory(DjangoModelFactory):
    class Meta:
        model = SignIn

    user = SubFactory(UserFactory)
    refresh_token = Sequence(str)
    expires_at = LazyFunction(timezone.now)


class PasswordGuessFactory(DjangoModelFactory):
    class Meta:
        model = PasswordGuess

    at = LazyFunction(timezone.now)
