"""The agents' pages about customers: finding one, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from customers.models import Customer
from orders import customer_overview
from orders.customer_overview import CustomerOverview, MonthOrders
from orders.pages import get_agent
from sync.api.filters import SearchResults

CUSTOMERS_ON_A_PAGE = 25
HEIGHT = 100  # of the picture's highest bar, in the picture's own units
STEP = 20  # from one bar to the next, and
BAR = 14  # how wide one is


@dataclass(frozen=True)
class Bar:
    """A month on the picture: where its bar stands, in the picture's own units."""

    month: MonthOrders
    x: int
    y: int
    height: int


@login_required
@never_cache
@require_safe
def customers(request: HttpRequest) -> HttpResponse:
    """The customers that a search finds, the best first, or all by name; a page that does not exist is the nearest."""
    text = request.GET.get("q", "").replace("\0", "").strip()
    present = Customer.objects.present()
    found: Any = SearchResults(present, text) if text else present.in_order()
    pages = Paginator(found, CUSTOMERS_ON_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    overdue = customer_overview.find_overdue(page)
    rows = [(customer, overdue.get(customer.account_number)) for customer in page]
    return render(request, "orders/customers.html", {"text": text, "page": page, "rows": rows})


@login_required
@never_cache
@require_safe
def customer_page(request: HttpRequest, customer_id: int) -> HttpResponse:
    """A customer, by the ERP's ID; `all` names a list of documents that is shown whole."""
    return render_customer(request, "orders/customer.html", customer_id)


@login_required
@never_cache
@require_safe
def customer_panel(request: HttpRequest, customer_id: int) -> HttpResponse:
    """The same as a part of the order form's page."""
    return render_customer(request, "orders/customer_overview.html", customer_id, in_panel=True)


def render_customer(request: HttpRequest, template: str, customer_id: int, *, in_panel: bool = False) -> HttpResponse:
    """Also one that was removed: its documents are still mirrored. Raises Http404 for what was never mirrored."""
    customer = get_object_or_404(Customer, erp_id=customer_id)
    overview = customer_overview.get_overview(customer, user=get_agent(request))
    whole = request.GET.get("all")
    context = {
        "overview": overview,
        "customer": customer,
        "orders": overview.orders if whole == "orders" else overview.latest_orders,
        "ddts": overview.ddts if whole == "ddt" else overview.latest_ddts,
        "invoices": overview.invoices if whole == "invoices" else overview.latest_invoices,
        "address": ", ".join(filter(None, [customer.street, f"{customer.postcode} {customer.city}".strip()])),
        "bars": draw_months(overview),
        "in_panel": in_panel,
    }
    return render(request, template, context)


def draw_months(overview: CustomerOverview) -> list[Bar]:
    """A bar for each month, the highest as high as the picture; none where the month is not known, or below 0."""
    months = overview.months
    highest = max((each.amount or Decimal(0) for each in months), default=Decimal(0))
    heights = [round(HEIGHT * max(each.amount or 0, 0) / highest) if highest else 0 for each in months]
    return [
        Bar(month, place * STEP, HEIGHT - height, height)
        for place, (month, height) in enumerate(zip(months, heights, strict=True))
    ]
