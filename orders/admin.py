"""Orders, DDT, invoices, products and prices, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders.models import Ddt, Invoice, Order, OrderLinesFetch, Price, Product
from orders.pricing import find_valid_prices
from sync.admin import columns, formatting, links
from sync.admin.formatting import NOTHING
from sync.admin.mirrored import MirroredAdmin
from sync.admin.read_only import ReadOnlyAdmin
from sync.database import clock


@admin.display(description=_("customer"), ordering="customer_name")
def customer_by_name(record: Order | Ddt | Invoice) -> str:
    """The customer's name in this list, as a link that costs no query."""
    return links.format_list_link(
        Customer, record.customer_name or record.account_number, account_number=record.account_number
    )


@admin.display(description=_("order"), ordering="order_number")
def order_by_number(record: Ddt | Invoice) -> str:
    return links.format_list_link(Order, record.order_number, number=record.order_number)


def format_tracking_link(ddt: Ddt) -> str:
    return links.format_outside_link(ddt.shipment.url, ddt.tracking or NOTHING)


class LinkedAdmin(MirroredAdmin):
    """Records that follow from an order, with the others that do."""

    @admin.display(description=_("customer"))
    def customer(self, record: Order | Ddt | Invoice) -> str:
        return links.format_link(record.customer)

    @admin.display(description=_("order"))
    def order(self, record: Ddt | Invoice) -> str:
        return links.format_link(record.order)

    @admin.display(description=_("DDT"))
    def ddts(self, record: Order | Invoice) -> str:
        lines = ((links.format_link(ddt), format_tracking_link(ddt)) for ddt in record.ddts)
        return format_html_join("", "<div>{} · {}</div>", lines) or NOTHING

    @admin.display(description=_("invoices"))
    def invoices(self, record: Order | Ddt) -> str:
        lines = ((links.format_link(invoice),) for invoice in record.invoices)
        return format_html_join("", "<div>{}</div>", lines) or NOTHING


@admin.register(Order)
class OrderAdmin(LinkedAdmin):
    list_display = (
        "__str__",
        "ordered_at",
        customer_by_name,
        "total_amount",
        "sales_status",
        "delivery_date",
        "description",
    )
    list_filter = ("sales_status", "document_status", "transfer_status", "order_type", "is_quote", "is_gift")
    search_fields = ("number", "account_number", "customer_name", "delivery_name", "description")
    date_hierarchy = "ordered_at"
    ordering = ("-ordered_at", "-pk")
    readonly_fields = ("customer", "ddts", "invoices", "lines_state", "order_lines")
    fieldsets = (
        (None, {"fields": ["number", "erp_id", "ordered_at", "description", "customer_reference"]}),
        (_("Lines"), {"fields": ["lines_state", "order_lines"]}),
        (_("Linked records"), {"fields": ["customer", "ddts", "invoices"]}),
        (_("Customer"), {"fields": ["customer_name", "account_number"]}),
        (_("Delivery"), {"fields": ["delivery_name", "delivery_address", "delivery_date"]}),
        (_("Amounts"), {"fields": ["gross_amount", "discount_percent", "total_amount"]}),
        (
            _("Status"),
            {
                "fields": [
                    "sales_status",
                    "document_status",
                    "transfer_status",
                    "transfer_date",
                    "completion_date",
                    "order_type",
                    "sales_origin",
                    "is_quote",
                    "is_gift",
                ]
            },
        ),
    )

    @admin.display(description=_("fetched"))
    def lines_state(self, order: Order) -> str:
        """When the lines that are kept were asked for, and why the last attempt brought none."""
        fetch = OrderLinesFetch.objects.filter(order=order).first()
        if fetch is None:
            return gettext("not yet asked for")
        fetched = formatting.format_time(fetch.fetched_at) if fetch.fetched_at else NOTHING
        return format_html("{}<div>{}</div>", fetched, fetch.error_sentence) if fetch.error_class else fetched

    @admin.display(description=_("order lines"))
    def order_lines(self, order: Order) -> str:
        names = ("position", "article", "quantity", "discount_percent", "amount", "name")
        lines = order.lines.select_related("product")
        rows = [
            (*(formatting.format_field(line, name) for name in names), links.format_link(line.product))
            for line in lines
        ]
        headings = (
            _("position"),
            _("article name"),
            _("quantity"),
            _("discount %"),
            _("amount"),
            _("name"),
            _("product"),
        )
        return formatting.format_table(headings, rows)


@admin.register(OrderLinesFetch)
class OrderLinesFetchAdmin(ReadOnlyAdmin):
    times = columns.make_datetime_columns(OrderLinesFetch, "tried_at", "fetched_at")
    list_display = ("order_by_link", *times, "attempts", "error_class", "error_sentence")
    list_filter = ("error_class",)
    list_select_related = ("order",)
    ordering = ("-tried_at", "-pk")
    fields = ("order_by_link", *times, "attempts", "error_class", "error_sentence")
    readonly_fields = ("order_by_link", "error_sentence")

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Who may see orders."""
        return request.user.has_perm("orders.view_order")

    @admin.display(description=_("order"))
    def order_by_link(self, fetch: OrderLinesFetch) -> str:
        return links.format_link(fetch.order)

    @admin.display(description=_("error text"))
    def error_sentence(self, fetch: OrderLinesFetch) -> str:
        return fetch.error_sentence


@admin.register(Ddt)
class DdtAdmin(LinkedAdmin):
    list_display = (
        "__str__",
        "delivery_date",
        customer_by_name,
        order_by_number,
        "pieces",
        "shipment",
    )
    list_filter = ("delivery_mode", "delivery_terms")
    search_fields = ("number", "order_number", "account_number", "customer_name", "delivery_name", "tracking")
    date_hierarchy = "delivery_date"
    ordering = ("-delivery_date", "-pk")
    readonly_fields = ("customer", "order", "invoices", "shipment")
    fieldsets = (
        (None, {"fields": ["number", "erp_id", "delivery_date", "pieces", "description", "customer_reference"]}),
        (_("Linked records"), {"fields": ["customer", "order", "invoices", "shipment"]}),
        (_("Customer"), {"fields": ["customer_name", "account_number", "order_number"]}),
        (
            _("Delivery"),
            {
                "fields": [
                    "delivery_name",
                    "delivery_address",
                    "attention_to",
                    "delivery_city",
                    "delivery_mode",
                    "delivery_terms",
                    "tracking",
                ]
            },
        ),
    )

    @admin.display(description=_("shipment"), ordering="tracking")
    def shipment(self, ddt: Ddt) -> str:
        return format_tracking_link(ddt)


@admin.register(Invoice)
class InvoiceAdmin(LinkedAdmin):
    list_display = (
        "number",
        "invoice_date",
        customer_by_name,
        order_by_number,
        "total_amount",
        "remaining_amount",
        "due_date",
        "overdue",
        "closed_date",
    )
    list_filter = (("closed_date", admin.EmptyFieldListFilter), "payment_terms")
    search_fields = ("number", "order_number", "account_number", "customer_name", "purchase_order")
    date_hierarchy = "invoice_date"
    ordering = ("-invoice_date", "-pk")
    readonly_fields = ("customer", "order", "ddts", "overdue")
    fieldsets = (
        (None, {"fields": ["number", "invoice_date", "quantity", "purchase_order", "customer_reference"]}),
        (_("Linked records"), {"fields": ["customer", "order", "ddts"]}),
        (_("Customer"), {"fields": ["customer_name", "account_number", "order_number"]}),
        (
            _("Amounts"),
            {"fields": ["sales_balance", "line_discount", "total_discount", "tax_amount", "total_amount"]},
        ),
        (
            _("Payment"),
            {
                "fields": [
                    "payment_terms",
                    "due_date",
                    "days_left",
                    "overdue",
                    "settled_amount",
                    "remaining_amount",
                    "last_payment_number",
                    "last_settlement_date",
                    "closed_date",
                ]
            },
        ),
    )

    @admin.display(description=_("overdue"))
    def overdue(self, invoice: Invoice) -> str:
        """By today's date: the ERP's own count of days is as old as its export."""
        if not invoice.is_overdue:
            return NOTHING
        days = ngettext("since %(days)s day", "since %(days)s days", invoice.days_overdue or 0)
        return f"{formatting.format_field(invoice, 'remaining_amount')} {days % {'days': invoice.days_overdue}}"


@admin.display(description=_("for whom"), ordering="account")
def audience_of(price: Price) -> str:
    """A customer's or a price group's name, everybody, or nobody, with what the ERP says."""
    if price.audience == Price.Audience.EVERYBODY:
        return str(price.audience.label)
    if price.audience is None or not price.account:
        return gettext("nobody (%s)") % (price.account_code or NOTHING)
    return price.account_description or price.account


def format_range(price: Price, first: str, last: str) -> str:
    ends = [formatting.format_field(price, name) for name in (first, last)]
    return NOTHING if ends == [NOTHING, NOTHING] else " – ".join(ends)


@admin.register(Product)
class ProductAdmin(MirroredAdmin):
    list_display = (
        "name",
        "erp_id",
        "description",
        "pack",
        "minimum_quantity",
        "multiple_quantity",
        "is_orderable",
        "is_blocked",
    )
    list_filter = ("is_orderable", "is_blocked", "vat_group", "group_description")
    search_fields = ("name", "erp_id", "search_name", "description")
    ordering = ("name", "erp_id")
    readonly_fields = ("prices", "may_be_ordered")
    fieldsets = (
        (None, {"fields": ["name", "erp_id", "description", "search_name", "prices"]}),
        (
            _("Ordering"),
            {
                "fields": [
                    "is_orderable",
                    "is_blocked",
                    "minimum_quantity",
                    "multiple_quantity",
                    "maximum_quantity",
                    "default_quantity",
                    "standard_quantity",
                    "may_be_ordered",
                    "pack",
                    "pack_pieces",
                    "unit",
                ]
            },
        ),
        (
            _("Price and VAT"),
            {"fields": ["vat_group", "price_unit", "purchase_price", "line_discount", "total_discount"]},
        ),
        (
            _("Article"),
            {
                "fields": [
                    "figure",
                    "shank",
                    "size",
                    "group",
                    "product_group",
                    "group_description",
                    "bulk_product_id",
                    "configuration",
                    "standard_configuration",
                    "display_number",
                ]
            },
        ),
        (
            _("In the ERP"),
            {
                "fields": [
                    "record_id",
                    "data_area",
                    "erp_created_at",
                    "erp_created_by",
                    "erp_modified_at",
                    "erp_modified_by",
                ]
            },
        ),
    )

    @admin.display(description=_("quantities that can be ordered"))
    def may_be_ordered(self, product: Product) -> str:
        """What follows from minimum, multiple and maximum, and why a maximum is no limit."""
        quantities = product.order_quantities
        if quantities.most is None:
            text = gettext("At least {least}, in steps of {step}.")
        else:
            text = gettext("From {least} to {most}, in steps of {step}.")
        if quantities.ignored_maximum:
            text += " " + gettext(
                "The maximum of {ignored_maximum} is ignored, because it is below the smallest "
                "quantity that can be ordered, {least}."
            )
        numbers = {name: getattr(quantities, name) for name in ("least", "most", "step", "ignored_maximum")}
        return text.format(
            **{name: formatting.format_number(each and each.normalize()) for name, each in numbers.items()}
        )

    @admin.display(description=_("prices"))
    def prices(self, product: Product) -> str:
        """All that the mirror has, those that are valid today, and somebody's, first."""
        valid = {price.pk for price in find_valid_prices([product], account=None, on=clock.today())}
        rows = [
            (
                links.format_link(price),
                audience_of(price),
                f"{formatting.format_field(price, 'unit_price')} {price.currency}",
                format_range(price, "quantity_from", "quantity_to"),
                format_range(price, "valid_from", "valid_to"),
                gettext("Yes") if price.pk in valid else gettext("No"),
            )
            for price in sorted(product.prices, key=lambda price: (price.pk not in valid, price.erp_id))
        ]
        headings = (_("record"), _("for whom"), _("price"), _("quantity"), _("valid"), _("valid today"))
        return formatting.format_table(headings, rows)


@admin.register(Price)
class PriceAdmin(MirroredAdmin):
    list_display = (
        "product_name",
        "product_by_id",
        audience_of,
        "unit_price",
        "currency",
        "quantity_from",
        "quantity_to",
        "valid_from",
        "valid_to",
    )
    list_filter = ("account_code", "currency", "is_net_price")
    search_fields = ("product_name", "product_erp_id", "account", "account_description")
    ordering = ("product_name", "product_erp_id", "account", "quantity_from", "pk")
    readonly_fields = ("product", "customer")
    fieldsets = (
        (None, {"fields": ["product_name", "product_erp_id", "product", "erp_id"]}),
        (_("Price"), {"fields": ["unit_price", "currency", "price_unit", "is_net_price"]}),
        (_("Valid for"), {"fields": ["account_code", "account", "account_description", "customer"]}),
        (_("Valid when"), {"fields": ["valid_from", "valid_to", "quantity_from", "quantity_to"]}),
    )

    @admin.display(description=_("product ID"), ordering="product_erp_id")
    def product_by_id(self, price: Price) -> str:
        return links.format_list_link(Product, price.product_erp_id, erp_id=price.product_erp_id)

    @admin.display(description=_("product"))
    def product(self, price: Price) -> str:
        return links.format_link(price.product)

    @admin.display(description=_("customer"))
    def customer(self, price: Price) -> str:
        return links.format_link(price.customer)
