"""Lines of orders: read from the export of one order's page in the ERP, and kept if they come to the order's amount."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from customers.models import Customer
from orders.models import LookedAtCustomer, Order, OrderLine, OrderLinesFetch, Product
from orders.sync.order_lines import LAYOUT
from sync.coordinator import idle_time, mutex, reading
from sync.coordinator.mutex import Lease
from sync.database import clock
from sync.erp import allowance
from sync.erp.client import ErpRecordList
from sync.exceptions import (
    ErpNotAsked,
    Interrupted,
    LeaseLost,
    LinesDisagree,
    ProcessLost,
    SyncError,
    UnreadableRequiredValue,
)
from sync.exports.totals import HALF_A_CENT, format_as_printed
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress, ignore_progress

logger = logging.getLogger(__name__)


LONGEST_FETCH = timedelta(seconds=120)  # login and download included: so long others waited for the export [seen]
LOOKED_AT_FOR = timedelta(days=30)  # after a draft was saved for a customer, his orders are of interest
OLDEST = timedelta(days=730)  # an order, whose lines say what a customer usually takes
ATTEMPTS = 3  # at one state of an order, one a day
PAUSE = timedelta(hours=1)  # after an attempt that failed
NOTED_AGAIN = timedelta(hours=1)  # that a customer is looked at
UNFINISHED = _(
    "The lines are being asked for. If this is still so after some minutes, the process that did it has ended: they "
    "are asked for again tomorrow."
)


# One order's lines


def keep_lines(fetch: OrderLinesFetch, path: Path, *, exported_at: datetime, lease: Lease, progress: Progress) -> None:
    """Read an export of an order's lines, and keep them instead of those that are kept.

    Raises an ExportError for what cannot be trusted: the export, or lines that do not come to the order's amount.
    """
    order = fetch.order
    lines = read_lines(order, path, progress)
    check_amount(order, lines)
    products = find_products(lines)
    for line in lines:
        line.product = products.get((line.article, line.quantity))
    with mutex.fenced(lease):
        order.lines.all().delete()
        OrderLine.objects.bulk_create(lines)
        fetch.fetched_at, fetch.error_class, fetch.error_text = exported_at, "", ""
        fetch.save()


def read_lines(order: Order, path: Path, progress: Progress) -> list[OrderLine]:
    """The lines as the export has them. Raises an ExportError."""
    lines = []
    with reading.open_with_layout(path, LAYOUT, progress, name="order lines") as records:
        for record in records:
            line = OrderLine(order=order, **dict(zip(records.fields, record.values, strict=True)))
            for field, kind in (("quantity", _("a number")), ("amount", _("an amount in euro"))):
                if getattr(line, field) is None:
                    header = next(column.title for column in LAYOUT.columns if column.field == field)
                    name = f"{LAYOUT.key_column.title} {line.position.normalize():f}"
                    raise UnreadableRequiredValue(
                        page=record.page, row=record.row, header=header, text="", kind=Message(kind), record=name
                    )
            lines.append(line)
    return lines


def check_amount(order: Order, lines: Iterable[OrderLine]) -> None:
    """Raises LinesDisagree unless the lines come to the gross amount of the order, or to its total.

    Which of the two the ERP's lines make was not recorded. The gross amount is met to the cent; the total, which the
    ERP adds up before it rounds, within half a cent for each line that is not 0.
    """
    amounts = [line.amount for line in lines]
    found = sum(amounts, Decimal(0))
    allowed = sum(1 for amount in amounts if amount) * HALF_A_CENT
    if found == order.gross_amount:
        return
    if order.total_amount is None or abs(found - order.total_amount) > allowed:
        gross, total = (
            "-" if stated is None else format_as_printed(stated) for stated in (order.gross_amount, order.total_amount)
        )
        raise LinesDisagree(order=str(order), found=format_as_printed(found), gross=gross, total=total)


def find_products(lines: Iterable[OrderLine]) -> dict[tuple[str, Decimal], Product]:
    """By article name and quantity, the product that was ordered, where there is no doubt.

    That is the only one of this name that the ERP shows; or, of several packs, the only one that may be ordered in such
    a quantity.
    """
    wanted = {(line.article, line.quantity) for line in lines}
    named: defaultdict[str, list[Product]] = defaultdict(list)
    for product in Product.objects.present().filter(name__in={article for article, _quantity in wanted if article}):
        named[product.name].append(product)
    found = {}
    for article, quantity in wanted:
        packs = named[article]
        if len(packs) > 1:
            packs = [pack for pack in packs if pack.order_quantities.find_nearest(quantity) == [quantity]]
        if len(packs) == 1:
            found[article, quantity] = packs[0]
    return found


# Attempts


@contextmanager
def record_attempt(order: Order, lease: Lease) -> Iterator[OrderLinesFetch]:
    """Write down, for the order, that its lines are asked for now, and what comes of it if they are not kept.

    What stops the attempt is raised. One that stepped aside, or for which the ERP may not be asked, was none.
    """
    before = OrderLinesFetch.objects.filter(order=order).first()
    now = clock.now()
    is_repeated = before is not None and before.order_changed_at == order.changed_at
    attempt: dict[str, Any] = {
        "order_changed_at": order.changed_at,
        "tried_at": now,
        "attempts": before.attempts + 1 if before and is_repeated else 1,
        "error_class": ProcessLost.__name__,
        "error_text": Message(UNFINISHED),
    }
    with mutex.fenced(lease):
        fetch, _is_new = OrderLinesFetch.objects.update_or_create(order=order, defaults=attempt)
    try:
        yield fetch
    except LeaseLost:
        raise
    except (Interrupted, ErpNotAsked):
        with mutex.fenced(lease):
            if before:
                before.save()
            else:
                fetch.delete()
        raise
    except Exception as error:
        text = error.text if isinstance(error, SyncError) else str(error)
        fetch.refresh_from_db()
        fetch.error_class, fetch.error_text = type(error).__name__, text
        with mutex.fenced(lease):
            fetch.save()
        raise


def read_given_file(order: Order, path: Path, lease: Lease) -> None:
    """Keep an order's lines from a file that somebody exported. Raises what stops it; the order's row says it too."""
    with record_attempt(order, lease) as fetch:
        exported_at = min(fetch.tried_at, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        checkpoint = idle_time.Checkpoint(lease, ignore_progress)
        keep_lines(fetch, path, exported_at=exported_at, lease=lease, progress=checkpoint)


def fetch_lines(order: Order, lease: Lease, progress: Progress = ignore_progress) -> None:
    """Ask the ERP for an order's lines, and keep them. Raises what stops it, which the order's row says too."""
    record_list = ErpRecordList(
        name=f"SALESTABLE_DetailViewAgent/{order.erp_id}",
        file_names=("Salesline.pdf",),
        key=LAYOUT.key_column.header,
        toolbar="xaf_dviSALESLINEs_ToolBar",
    )
    with record_attempt(order, lease) as fetch:
        checkpoint = idle_time.Checkpoint(lease, progress)
        with idle_time.fetch_record_list(record_list, at_most=LONGEST_FETCH, progress=checkpoint) as path:
            keep_lines(fetch, path, exported_at=fetch.tried_at, lease=lease, progress=checkpoint)


# In the background


def note_customer_looked_at(customer: Customer) -> None:
    """Remember that a draft was saved for a customer: the lines of his orders are worth asking for."""
    now = clock.now()
    row = LookedAtCustomer.objects.filter(customer=customer)
    if not row.filter(looked_at__gt=now - NOTED_AGAIN).exists() and not row.update(looked_at=now):
        LookedAtCustomer.objects.bulk_create(
            [LookedAtCustomer(customer=customer, looked_at=now)], ignore_conflicts=True
        )


def find_wanted_orders(now: datetime) -> QuerySet[Order]:
    """The orders whose lines are to be asked for, the newest first.

    Those of customers for whom a draft was saved, placed in the last two years, whose lines are not there or belong to
    an earlier state of the order. An attempt that failed is made again on another day, and ATTEMPTS times in all.
    """
    looked_at = LookedAtCustomer.objects.filter(looked_at__gt=now - LOOKED_AT_FOR, customer__removed_at=None)
    accounts = looked_at.exclude(customer__account_number="").values("customer__account_number")
    orders = Order.objects.shown().filter(account_number__in=accounts, ordered_at__gt=now - OLDEST)
    orders = orders.exclude(gross_amount=None, total_amount=None)
    known = OrderLinesFetch.objects.filter(order=OuterRef("pk"))
    settled = known.filter(
        Q(tried_at__gte=find_midnight_before(now))
        | Q(order_changed_at=OuterRef("changed_at")) & (Q(error_class="") | Q(attempts__gte=ATTEMPTS))
    )
    return orders.filter(~Exists(settled)).order_by("-ordered_at", "-pk")


def find_midnight_before(now: datetime) -> datetime:
    """When the day in Italy has begun."""
    return allowance.find_midnight(now) - timedelta(days=1)


@dataclass(frozen=True)
class LinesState:
    """How it stands with the lines of orders."""

    waiting: int  # orders
    asked_today: int
    last_problem: OrderLinesFetch | None


def read_state() -> LinesState:
    now = clock.now()
    failed = OrderLinesFetch.objects.exclude(error_class="").select_related("order")
    return LinesState(find_wanted_orders(now).count(), count_asked_today(now), failed.order_by("-tried_at").first())


def count_asked_today(now: datetime) -> int:
    return OrderLinesFetch.objects.filter(tried_at__gte=find_midnight_before(now)).count()


def may_ask(now: datetime) -> bool:
    """Whether the day's order lines are not all asked for, and the last attempt did not just fail."""
    last = OrderLinesFetch.objects.order_by("-tried_at").first()
    if last and last.error_class and last.tried_at > now - PAUSE:
        return False
    return bool(count_asked_today(now) < settings.ORDER_LINES_A_DAY)


def fetch_next_lines() -> None:
    """Ask for the lines of one order that is waiting, if nothing else is wanted of the ERP; its row says what came."""
    now = clock.now()
    if not settings.ORDER_LINES_A_DAY or not may_ask(now) or not find_wanted_orders(now).exists():
        return
    with idle_time.hold_lock_if_idle() as lease:
        if lease and (order := find_wanted_orders(clock.now()).first()):
            try:
                fetch_lines(order, lease)
            except SyncError as error:
                logger.warning("The lines of order %s were not kept: %s", order, error)
