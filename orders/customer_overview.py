"""What is known of a customer: documents, amounts owed, sales, how often an order comes, the caller's drafts.

All of it is read from the mirror, in a number of queries that does not grow with the customer's documents. What the
mirror does not say is None, never 0: the pages and the API show it as not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from statistics import median

from django.contrib.auth.models import User
from django.db.models import Count, Sum
from django.utils import timezone

from customers.models import Customer
from orders.models import Ddt, Draft, Invoice, Order
from sync.database import clock
from sync.monitoring import health

MONTHS = 24  # of the picture, this month included
FEWEST_ORDER_DAYS = 5  # from which a usual interval is told: four intervals
LATEST = 20  # documents of each list that are shown, until all are asked for
LISTS = ("customers", "orders", "ddt", "invoices")  # that it is read from
NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class YearSales:
    """What the ERP's list of customers counts for a year; None if it does not show that."""

    year: int
    orders: int | None
    sales: Decimal | None  # euro


@dataclass(frozen=True)
class MonthOrders:
    """What a month's orders come to, in euro; None if it is not known."""

    month: date  # its first day
    amount: Decimal | None


@dataclass(frozen=True)
class Overdue:
    """A customer's invoices that are still to be paid after their due date."""

    count: int
    amount: Decimal  # euro


@dataclass(frozen=True)
class CustomerOverview:
    """A customer with the documents of its account, the newest first; a prospect, who has no account, has none."""

    customer: Customer
    orders: list[Order]
    ddts: list[Ddt]
    invoices: list[Invoice]
    drafts: list[Draft]
    first_order_at: datetime | None  # of all customers': what came before it is not mirrored
    fresh_as_of: Mapping[str, datetime | None]  # by list
    today: date

    @cached_property
    def counted_orders(self) -> list[Order]:
        """Without quotes and gifts, which are no sales, and those without a date."""
        return [each for each in self.orders if each.ordered_at and not each.is_quote and not each.is_gift]

    @cached_property
    def order_days(self) -> list[date]:
        """The days on which something was ordered, each once, in order."""
        return sorted({timezone.localdate(each.ordered_at) for each in self.counted_orders})

    @property
    def last_order_date(self) -> date | None:
        """By the list of orders or the customers' own column, whichever knows of a later one."""
        known = [*self.order_days[-1:], *([self.customer.last_order_date] if self.customer.last_order_date else [])]
        return max(known, default=None)

    @property
    def days_since_last_order(self) -> int | None:
        return (self.today - self.last_order_date).days if self.last_order_date else None

    @property
    def usual_days_between_orders(self) -> int | None:
        """The median of the days from one order to the next; None if there are too few to tell."""
        if len(self.order_days) < FEWEST_ORDER_DAYS:
            return None
        return round(median((later - earlier).days for earlier, later in pairwise(self.order_days)))

    @property
    def years(self) -> list[YearSales]:
        """This year and the two before it, as the ERP adds them up. Assumed: this year is that of the export."""
        fresh_as_of = self.fresh_as_of["customers"]
        year = timezone.localdate(fresh_as_of).year if fresh_as_of else self.today.year
        known = self.customer
        return [
            YearSales(year, known.orders_this_year, known.sales_this_year),
            YearSales(year - 1, known.orders_last_year, known.sales_last_year),
            YearSales(year - 2, known.orders_two_years_ago, known.sales_two_years_ago),
        ]

    @property
    def months(self) -> list[MonthOrders]:
        """The amounts of the orders of each of the last months, by the day of the order, the earliest first."""
        last = self.today.year * 12 + self.today.month - 1
        numbers = range(last - MONTHS + 1, last + 1)
        amounts: dict[date, list[Decimal | None]] = {date(n // 12, n % 12 + 1, 1): [] for n in numbers}
        for each in self.counted_orders:
            month = timezone.localdate(each.ordered_at).replace(day=1)
            if month in amounts:
                amounts[month].append(each.total_amount)
        first = timezone.localdate(self.first_order_at).replace(day=1) if self.first_order_at else None
        return [
            MonthOrders(month, add_known(of_month) if first and month >= first else None)
            for month, of_month in amounts.items()
        ]

    @property
    def order_count(self) -> int:
        return len(self.orders)

    @property
    def ddt_count(self) -> int:
        return len(self.ddts)

    @property
    def invoice_count(self) -> int:
        return len(self.invoices)

    @property
    def latest_orders(self) -> list[Order]:
        return self.orders[:LATEST]

    @property
    def latest_ddts(self) -> list[Ddt]:
        return self.ddts[:LATEST]

    @property
    def latest_invoices(self) -> list[Invoice]:
        return self.invoices[:LATEST]

    @property
    def overdue(self) -> Overdue | None:
        """By today's date; None as long as no invoices were mirrored."""
        if not self.has_invoices:
            return None
        amounts = [each.remaining_amount for each in self.invoices if each.is_overdue and each.remaining_amount]
        return Overdue(len(amounts), sum(amounts, NOTHING))

    @property
    def open_amount(self) -> Decimal | None:
        """What is still to be paid, due or not, in euro, without open credit; None if no invoices were mirrored."""
        return sum((each for each in self.remaining_amounts if each > 0), NOTHING) if self.has_invoices else None

    @property
    def open_credit(self) -> Decimal | None:
        """What remains of credit notes, in euro, less than 0; None if no invoices were mirrored."""
        return sum((each for each in self.remaining_amounts if each < 0), NOTHING) if self.has_invoices else None

    @property
    def unclear_invoices(self) -> int:
        """Those of which it is not known what remains to be paid, or by when."""
        return sum(
            each.remaining_amount is None or (each.remaining_amount > 0 and each.due_date is None)
            for each in self.invoices
        )

    @property
    def remaining_amounts(self) -> list[Decimal]:
        """Those that are known."""
        return [each.remaining_amount for each in self.invoices if each.remaining_amount is not None]

    @property
    def has_invoices(self) -> bool:
        """Whether the mirror has the list, so that a customer without invoices has none."""
        return bool(self.invoices) or self.fresh_as_of["invoices"] is not None


def get_overview(customer: Customer, *, user: User) -> CustomerOverview:
    """What is known of a customer, with the drafts that this user has in hand for it."""
    account = customer.account_number
    first = Order.objects.present().exclude(ordered_at=None).order_by("ordered_at")
    fresh_as_of = health.find_fresh_times()
    return CustomerOverview(
        customer=customer,
        orders=list(Order.objects.matching(account_number=account).in_order()),
        ddts=list(Ddt.objects.matching(account_number=account).in_order()),
        invoices=list(Invoice.objects.matching(account_number=account).in_order()),
        drafts=list(Draft.objects.for_user(user).in_hand().filter(customer=customer).with_lines()),
        first_order_at=first.values_list("ordered_at", flat=True).first(),
        fresh_as_of={name: fresh_as_of[name] for name in LISTS},
        today=clock.today(),
    )


def find_overdue(customers: Iterable[Customer]) -> dict[str, Overdue]:
    """Of those customers who have overdue invoices, by account number; one query."""
    accounts = [each.account_number for each in customers if each.account_number]
    invoices = Invoice.objects.present().filter(Invoice.build_overdue_condition(), account_number__in=accounts)
    sums = invoices.values("account_number").annotate(count=Count("pk"), amount=Sum("remaining_amount"))
    return {each["account_number"]: Overdue(each["count"], each["amount"]) for each in sums}


def add_known(amounts: list[Decimal | None]) -> Decimal | None:
    """Their sum; None if one of them is not known."""
    known = [each for each in amounts if each is not None]
    return sum(known, NOTHING) if len(known) == len(amounts) else None
