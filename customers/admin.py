"""The customers, to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from sync.admin import formatting, links
from sync.admin.mirrored import MirroredAdmin
from sync.service import SyncService, list_services


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
    readonly_fields = ("erasure",)
    fieldsets = (
        (None, {"fields": ["name", "account_number", "erp_id", "customer_type", "description"]}),
        (_("Linked records"), {"fields": ["last_order_date"]}),  # after those of the lists that name customers
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

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        own, linked, *others = super().get_fieldsets(request, obj)
        lists = [make_records_column(service) for service in list_services() if service.account_field]
        return [own, (linked[0], {"fields": [*lists, *linked[1]["fields"]]}), *others]

    @admin.display(description=_("name"), ordering="name")
    def name_shown(self, customer: Customer) -> str:
        return customer.shown_name

    @admin.display(description=_("erasure"))
    def erasure(self, customer: Customer) -> str:
        """How a customer's data is erased, which is done on the command line."""
        if customer.erased_at:
            return gettext("Erased on %s.") % formatting.format_field(customer, "erased_at")
        if not customer.removed_at:
            return gettext("The data can be erased once the ERP no longer shows the customer.")
        command = f"manage.py erasecustomer {customer.erp_id} --id"
        return gettext("The operator of the server can erase the data with %s.") % command


def make_records_column(service: SyncService) -> Callable[[Customer], str]:
    """A column that counts a list's records that name the customer, and links to them."""

    @admin.display(description=service.model._meta.verbose_name_plural)
    def column(customer: Customer) -> str:
        number = {service.account_field: customer.account_number}
        return links.format_list_link(service.model, service.model.objects.matching(**number).count(), **number)

    column.__name__ = service.sync_type
    return column
