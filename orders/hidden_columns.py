"""Columns that an order rests on and the ERP's lists do not show now."""

from __future__ import annotations

from django.utils import dateformat, timezone
from django.utils.translation import gettext

from sync.mirror.columns import find_hidden_columns
from sync.service import get_service

ORDER_COLUMNS = {  # what an order rests on, by list; the others it needs are required of every export
    "products": (
        *("minimum_quantity", "multiple_quantity", "maximum_quantity", "is_orderable", "is_blocked"),
        *("vat_group", "price_unit"),
    ),
    "prices": ("valid_from", "valid_to", "quantity_from", "quantity_to", "price_unit"),
}


def describe_hidden_order_columns() -> dict[str, list[str]]:
    """For the order form: of what nothing is known, and what is as it was on a day."""
    hidden: list[str] = []
    old: list[str] = []
    for service in map(get_service, ORDER_COLUMNS):
        names = {field.name: str(field.verbose_name) for field in service.model._meta.fields}
        for each in find_hidden_columns(service):
            if each.column.field not in ORDER_COLUMNS[service.sync_type]:
                continue
            name = names[each.column.field]
            if each.last_seen_at is None:
                hidden.append(name)
            else:
                day = dateformat.format(timezone.localtime(each.last_seen_at), "d/m/Y")
                old.append(gettext("%(column)s (as of %(day)s)") % {"column": name, "day": day})
    return {"hiddenColumns": hidden, "oldColumns": old}
