"""Where a customer's orders went, to be offered for the next one."""

from __future__ import annotations

from django.db.models import F, Max

from customers.models import Customer
from orders.models import Order

MOST = 20


def list_delivery_addresses(customer: Customer) -> list[str]:
    """Name and address in one line, of the customer's mirrored orders, the last used first."""
    used = (
        Order.objects.matching(account_number=customer.account_number)
        .exclude(delivery_address="")
        .values_list("delivery_name", "delivery_address")
        .annotate(last=Max("ordered_at"))
        .order_by(F("last").desc(nulls_last=True), "delivery_name", "delivery_address")[:MOST]
    )
    return [", ".join(" ".join(part.split()) for part in (name, address) if part) for name, address, _ in used]
