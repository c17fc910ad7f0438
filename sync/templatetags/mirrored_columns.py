"""The columns of a list: how well each is known, and which of them the ERP does not show now."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin.columns import get_field
from sync.admin.formatting import format_datetime
from sync.exports.layout import Source
from sync.mirror.columns import find_hidden_columns, load_columns
from sync.models import MirroredModel
from sync.service import get_service_for_model

SOURCES = {
    Source.MEASURED: _("measured on real exports"),
    Source.GRID: _("read from the ERP's grid"),
    Source.ASSUMED: _("assumed"),
}

register = template.Library()


@register.inclusion_tag("admin/sync/columns.html")
def columns_of_list(opts: Any) -> dict[str, Any]:
    """Each column: its header, its name here, how well it is known, whether it is required, when it was last shown."""
    model = opts.model  # a template would call the class itself
    service = get_service_for_model(model)
    seen = load_columns(service)
    hidden = {each.column for each in find_hidden_columns(service)}
    columns = [
        {
            "header": column.header,
            "name": get_field(model, column.field).verbose_name if column.field else gettext("not mirrored"),
            "source": SOURCES[column.source],
            "is_required": bool(column.required),
            "last_seen": format_datetime(seen[column.field].last_seen_at if column.field in seen else None),
            "is_hidden": column in hidden,
        }
        for column in service.layout.columns
    ]
    return {"columns": columns}


@register.inclusion_tag("admin/sync/hidden_columns.html")
def hidden_columns_of_record(record: MirroredModel) -> dict[str, Any]:
    """The columns that the ERP does not show now, and as of when the record's values are; blank if it never did."""
    columns = []
    for each in find_hidden_columns(get_service_for_model(type(record))):
        is_known = each.applied_at and each.applied_at >= record.created_at
        name = get_field(type(record), each.column.field).verbose_name
        columns.append({"name": name, "as_of": format_datetime(each.last_seen_at) if is_known else ""})
    return {"columns": columns}
