"""The customers, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from sync.admin.formatting import format_field, format_list_link
from sync.admin.mirrored import MirroredAdmin


@admin.register(Customer)
class CustomerAdmin(MirroredAdmin):
    list_display = (
        "name_shown",
        "account_number",
        "city",
        "phone",
        "last_order_date",
        "sales_this_year",
        "sales_last_year",
    )
    list_filter = ("customer_type", "delivery_mode")
    search_fields = ("name", "account_number", "vat_number", "city", "phone", "mobile")
    date_hierarchy = "last_order_date"
    ordering = ("name", "pk")
    readonly_fields = ("orders", "ddts", "invoices", "prices", "erasure")
    fieldsets = (
        (None, {"fields": ["name", "account_number", "erp_id", "customer_type", "description"]}),
        (_("Linked records"), {"fields": ["orders", "ddts", "invoices", "prices", "last_order_date"]}),
        (_("Address"), {"fields": ["street", "postcode", "city", "attention_to", "delivery_mode"]}),
        (_("Contacts"), {"fields": ["phone", "mobile", "website"]}),
        (_("Tax and invoicing"), {"fields": ["vat_number", "tax_code", "certified_email", "sdi_code"]}),
        (
            _("Sales"),
            {
                "fields": [
                    "orders_this_year",
                    "sales_this_year",
                    "orders_last_year",
                    "sales_last_year",
                    "orders_two_years_ago",
                    "sales_two_years_ago",
                ]
            },
        ),
        (_("Other numbers"), {"fields": ["external_account_number", "our_account_number"]}),
        (_("Personal data"), {"fields": ["erasure"]}),
    )

    @admin.display(description=_("name"), ordering="name")
    def name_shown(self, customer: Customer) -> str:
        return customer.shown_name

    @admin.display(description=_("orders"))
    def orders(self, customer: Customer) -> SafeString | str:
        return format_count_link(customer.orders, account_number=customer.account_number)

    @admin.display(description=_("DDT"))
    def ddts(self, customer: Customer) -> SafeString | str:
        return format_count_link(customer.ddts, account_number=customer.account_number)

    @admin.display(description=_("invoices"))
    def invoices(self, customer: Customer) -> SafeString | str:
        return format_count_link(customer.invoices, account_number=customer.account_number)

    @admin.display(description=_("prices"))
    def prices(self, customer: Customer) -> SafeString | str:
        return format_count_link(customer.prices, account=customer.account_number)

    @admin.display(description=_("erasure"))
    def erasure(self, customer: Customer) -> str:
        """How a customer's data is erased, which is done on the command line."""
        if customer.erased_at:
            return gettext("Erased on %s.") % format_field(customer, "erased_at")
        if not customer.removed_at:
            return gettext("Possible once the ERP no longer shows the customer.")
        command = f"manage.py erasecustomer {customer.erp_id} --id"
        return gettext("Whoever operates the server can erase it with %s.") % command


def format_count_link(records: models.QuerySet[Any], **numbers: str) -> SafeString | str:
    """How many records there are with the customer's number, as a link to them."""
    return format_list_link(records.model, records.count(), **numbers)
