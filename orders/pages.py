"""The agents' pages: the order form, and the drafts that it has saved."""

from __future__ import annotations

import re
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from customers.models import Customer
from customers.serializers import CustomerSerializer
from orders import outcome
from orders.api.draft_serializers import MOST_LINES, NOTES_LENGTH, DraftSerializer
from orders.hidden_columns import describe_hidden_order_columns
from orders.models import Draft
from orders.models.drafts import DraftPart
from sync.api.urls import KeyConverter
from sync.coordinator import looks
from sync.service import get_service

DRAFTS_ON_A_PAGE = 25
MODULES = [  # of the order form: loaded together, as each names the next ones only once it is there
    "archibald/clock.js",
    "archibald/events.js",
    "archibald/requests.js",
    "orders/api.js",
    "orders/combobox.js",
    "orders/customer_panel.js",
    "orders/customer_panel_view.js",
    "orders/customer_view.js",
    "orders/details.js",
    "orders/details_view.js",
    "orders/entry.js",
    "orders/kept_forms.js",
    "orders/lines_view.js",
    "orders/list_space.js",
    "orders/messages.js",
    "orders/messages_view.js",
    "orders/mirror_view.js",
    "orders/numbers.js",
    "orders/order.js",
    "orders/order_form_view.js",
    "orders/pasted_list.js",
    "orders/pasted_list_view.js",
    "orders/pricing.js",
    "orders/products_view.js",
    "orders/saving.js",
    "orders/session.js",
    "orders/status.js",
    "orders/texts.js",
    "orders/totals_view.js",
    "orders/type_ahead.js",
    "orders/undo.js",
    "orders/unsaved.js",
    "orders/usual_products.js",
    "orders/usual_products_view.js",
    "orders/vendor/idb-keyval/umd.js",
    "orders/vendor/lit-html/directive.js",
    "orders/vendor/lit-html/directive-helpers.js",
    "orders/vendor/lit-html/directives/live.js",
    "orders/vendor/lit-html/directives/repeat.js",
    "orders/vendor/lit-html/lit-html.js",
]


@login_required
@never_cache
@require_safe
def order_form(request: HttpRequest) -> HttpResponse:
    """An empty order form, one for `customer`, by the ERP's ID, or one that holds what the draft `copy` does."""
    if "copy" in request.GET:
        return render_form(request, copied=get_own_draft(request, read_key(request, "copy")))
    if "customer" in request.GET:
        chosen = get_object_or_404(Customer.objects.present(), erp_id=read_key(request, "customer"))
        return render_form(request, chosen=chosen)
    return render_form(request)


def read_key(request: HttpRequest, name: str) -> int:
    """Raises Http404 for what is no key."""
    number = request.GET[name]
    if not re.fullmatch(KeyConverter.regex, number):
        raise Http404
    return int(number)


@login_required
@never_cache
@require_safe
def draft_form(request: HttpRequest, draft_id: int) -> HttpResponse:
    """The order form with a draft; one that is found or closed says what became of it instead."""
    draft = get_own_draft(request, draft_id)
    return render_outcome(request, draft) if draft.is_settled else render_form(request, draft=draft)


def render_form(
    request: HttpRequest,
    *,
    draft: Draft | None = None,
    copied: Draft | None = None,
    chosen: Customer | None = None,
) -> HttpResponse:
    page_data: dict[str, Any] = {
        "user": request.user.pk,
        "draft": DraftSerializer(draft).data if draft else None,
        "copied": DraftSerializer(copied).data if copied else None,
        "chosen": CustomerSerializer(chosen).data if chosen else None,
        "timeZone": settings.TIME_ZONE,
        "mostLines": MOST_LINES,
        "notesLength": NOTES_LENGTH,
        "addressLength": Draft._meta.get_field("delivery_address").max_length,
        "referenceLength": Draft._meta.get_field("customer_reference").max_length,
        "terms": {"approvalAbove": settings.APPROVAL_ABOVE_PERCENT, "shippingBelow": settings.SHIPPING_BELOW},
        "searchesErp": looks.can_look(),
        "notices": [notice.text for notice in get_service("prices").find_notices()],
        **describe_hidden_order_columns(),
    }
    return render(request, "orders/order_form.html", {"page_data": page_data, "draft": draft, "modules": MODULES})


@login_required
@never_cache
@require_safe
def drafts(request: HttpRequest) -> HttpResponse:
    """The caller's drafts, one part of them, page by page; a page or part that does not exist shows the nearest."""
    own = Draft.objects.filter(user=get_agent(request))
    wanted = request.GET.get("show", "")
    part = DraftPart(wanted) if wanted in DraftPart.values else DraftPart.IN_HAND
    counts = own.count_parts()
    page = Paginator(own.list_part(part).with_lines(), DRAFTS_ON_A_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    if part == DraftPart.IN_HAND:
        fitting = outcome.find_fitting(shown)
        for draft in shown:
            draft.fitting_orders = fitting[draft.pk]
    page.object_list = shown
    parts = [(each, counts[each]) for each in DraftPart]
    return render(request, "orders/drafts.html", {"page": page, "part": part, "parts": parts})


@login_required
@never_cache
@require_safe
def draft_outcome(request: HttpRequest, draft_id: int) -> HttpResponse:
    """What became of a draft, and the orders that it may be."""
    return render_outcome(request, get_own_draft(request, draft_id))


def render_outcome(request: HttpRequest, draft: Draft) -> HttpResponse:
    return render(request, "orders/draft_outcome.html", {"draft": draft, "found": outcome.list_orders(draft)})


@login_required
@never_cache
@require_safe
def draft_print(request: HttpRequest, draft_id: int) -> HttpResponse:
    return render(
        request,
        "orders/draft_print.html",
        {"draft": get_own_draft(request, draft_id), "approval_above": settings.APPROVAL_ABOVE_PERCENT},
    )


def get_own_draft(request: HttpRequest, draft_id: int) -> Draft:
    """Raises Http404 for what is no draft of the caller's."""
    return get_object_or_404(Draft.objects.for_user(get_agent(request)).with_lines(), pk=draft_id)


def get_agent(request: HttpRequest) -> User:
    return cast(User, request.user)
