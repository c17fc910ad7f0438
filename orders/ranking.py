"""Which of the customers that a search finds equally well come first: those who order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Count, OuterRef, Subquery

from customers.models import Customer
from orders.models import Order
from sync.database import clock
from sync.database.search import weighs

RECENT = timedelta(days=365)  # a year, as some order once a year, at the same fair


@weighs(Customer)
def weigh_customers(keys: list[int]) -> Mapping[int, tuple[bool, int]]:
    """By primary key: prospects, who have no account, last; before them, who has ordered more often in a year first."""
    recent = Order.objects.present().filter(
        account_number=OuterRef("account_number"), ordered_at__gte=clock.now() - RECENT
    )
    count = recent.order_by().values("account_number").values(count=Count("pk"))
    found = Customer.objects.filter(pk__in=keys).values_list("pk", "account_number", Subquery(count))
    return {key: (not account, -(orders or 0) if account else 0) for key, account, orders in found}
