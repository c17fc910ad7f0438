"""What is known of a customer at a hundred times the real lists: one with 500 orders, and what follows from them.

The answer that pages and API show, beside the same in a hundredth of the documents of all others. One run, on
DATABASE_URL or else SQLite.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from statistics import median

import _measure

_measure.use_scratch()

import django

django.setup()

from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import Customer
from orders import customer_overview
from orders.models import Ddt, Invoice, Order
from sync.database import clock

TIMES = 15
OWN = 500  # orders of the customer, each with a DDT and an invoice
ALL = _measure.scale(100_000)  # orders of everybody, likewise
ORDERS_EACH = 8  # of each other customer
CHUNK = 1000  # rows in memory at a time


def fill(count: int) -> None:
    """So many orders, DDT and invoices; the first OWN are those of account 1."""
    now, today = timezone.now(), clock.today()
    mirrored = {"created_at": now, "changed_at": now}
    for model in (Order, Ddt, Invoice):
        model.objects.all()._raw_delete("default")
    for first in range(0, count, CHUNK):
        orders, ddts, invoices = [], [], []
        for place in range(first, min(first + CHUNK, count)):
            account = "1" if place < OWN else str(2 + place // ORDERS_EACH)
            number, day = f"ORD/{place:08}", today - dt.timedelta(days=place % 700)
            same = {"account_number": account, **mirrored}
            at = now - dt.timedelta(days=place % 700)
            orders.append(Order(erp_id=place, number=number, ordered_at=at, total_amount=Decimal(100), **same))
            ddts.append(Ddt(erp_id=place, number=f"DDT/{place:08}", order_number=number, delivery_date=day, **same))
            remaining = Decimal(122 if place % 9 == 0 else 0)
            invoices.append(
                Invoice(
                    number=f"CF1/{place:08}",
                    order_number=number,
                    invoice_date=day,
                    due_date=day + dt.timedelta(days=30),
                    total_amount=Decimal(122),
                    remaining_amount=remaining,
                    **same,
                )
            )
        Order.objects.bulk_create(orders)
        Ddt.objects.bulk_create(ddts)
        Invoice.objects.bulk_create(invoices)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def read(customer: Customer, user: User) -> None:
    """All that a page shows."""
    overview = customer_overview.get_overview(customer, user=user)
    _ = (overview.overdue, overview.open_amount, overview.months, overview.usual_days_between_orders, overview.years)


def measure(customer: Customer, user: User, count: int) -> float:
    """Seconds."""
    fill(count)
    return median(_measure.time_once(lambda: read(customer, user)) for _ in range(TIMES))


def main() -> None:
    print(f"What is known of a customer, {_measure.make_tables()}, {_measure.find_processor()}")
    now = timezone.now()
    customer = Customer.objects.create(erp_id=1, account_number="1", name="Rossi", created_at=now, changed_at=now)
    user = User.objects.create(username="agent")
    few = measure(customer, user, max(ALL // 100, OWN))
    many = measure(customer, user, ALL)
    with CaptureQueriesContext(connection) as queries:
        read(customer, user)
    _measure.show(f"{OWN} orders of {ALL:,}", f"{many * 1000:.1f} ms", bound="under 100 ms")
    _measure.show("times as long as among a hundredth of the documents", f"{many / few:.2f}", bound="under 1.5")
    _measure.show("queries", str(len(queries)))


if __name__ == "__main__":
    main()
