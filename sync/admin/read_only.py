"""The admin of rows that people may look at and only syncs may change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import DataError, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateformat import format as date_format
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.models import MirroredModel, RecordChange
from sync.service import service_mirroring

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


NOTHING = "-"  # a record's page shows what a method returns as it is, a None too
WORDS_SEARCHED = 50  # each makes the query longer, which has a limit


class ToolsAdmin(ModelAdmin):
    """Rows whose pages have buttons."""

    change_form_template = "admin/tools_change_form.html"

    def tools(self, request: HttpRequest, record: Any) -> list[tuple[Any, str]]:
        """The buttons of a record's page, each with its text and its address."""
        return []

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context["tools"] = self.tools(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)


class TolerantList(ChangeList):
    """A list whose address may ask for what no database can hold: Django then leads to the whole list."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (OverflowError, DataError) as error:
            raise IncorrectLookupParameters(error) from error


class ReadOnlyAdmin(ToolsAdmin):
    """Rows to look at."""

    list_per_page = 50
    show_full_result_count = False  # a search in a long list need not count all of it

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TolerantList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, first_words(search_term))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def first_words(typed: str) -> str:
    return " ".join(typed.split()[:WORDS_SEARCHED])


class PresenceFilter(admin.SimpleListFilter):
    """Whether the ERP still shows a record."""

    title = _("presence in the ERP")
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("present", _("present")), ("missing", _("missing")), ("removed", _("removed"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        match self.value():
            case "present":
                return queryset.filter(missing_since=None, removed_at=None)
            case "missing":
                return queryset.filter(missing_since__isnull=False, removed_at=None)
            case "removed":
                return queryset.filter(removed_at__isnull=False)
        return queryset


class MirroredAdmin(ReadOnlyAdmin):
    """Records of one of the ERP's lists: the fields of the list as declared, what the mirror knows at the end."""

    change_form_template = "admin/mirrored_change_form.html"
    change_list_template = "admin/mirrored_change_list.html"

    def __init__(self, model: type[MirroredModel], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        fields = [field for field in model._meta.fields if isinstance(field, (models.DateField, models.DecimalField))]
        self.columns = {field.name: column_of(field) for field in fields}

    def readable(self, names: Any) -> list[Any]:
        return [self.columns.get(name, name) for name in names]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *others = self.readable(super().get_list_display(request))
        return [first, "presence", *others]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [PresenceFilter, *super().get_list_filter(request)]

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        names = ["created_at", "changed_at", "missing_since", "removed_at", "erased_at"]
        mirrored = {"fields": self.readable(names)}
        declared = [
            (title, {**options, "fields": self.readable(options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [*declared, (_("In the mirror"), mirrored)]

    def tools(self, request: HttpRequest, record: MirroredModel) -> list[tuple[Any, str]]:
        return [(_("History"), changes_of(record))] if may_view(request, RecordChange) else []

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what syncs did to the record: Django's own log knows only what people do in the admin."""
        record = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        if record is None:
            raise Http404
        return HttpResponseRedirect(changes_of(record))

    @admin.display(description=_("presence"), ordering="removed_at")
    def presence(self, record: MirroredModel) -> Any:
        if record.removed_at:
            return _("removed")
        return _("missing") if record.missing_since else _("present")


def column_of(
    field: models.Field[Any, Any], *, show: Callable[[Any], str] | None = None
) -> Callable[[models.Model], str | None]:
    """A column that shows a field as the ERP prints it, or otherwise."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(record: models.Model) -> str:
        return show(getattr(record, field.name)) if show else printed(record, field.name)

    column.__name__ = field.name  # the admin finds the field's help text by it
    return column


def printed(record: models.Model, name: str) -> str:
    """One of a record's fields as the ERP prints it."""
    return printed_value(record._meta.get_field(name), getattr(record, name))


def printed_value(field: Any, value: Any) -> str:
    """A date, time or decimal as the ERP prints it: `20/01/2026`, `1.729,22 €`, `21,49 %`; a quantity is `1.452`.

    Numbers follow the reader's language; dates do not: month first, they would be taken for the ERP's.
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(field, models.DateTimeField):
        return date_format(localtime(value), "d/m/Y H:i")
    if isinstance(field, models.DateField):
        return date_format(value, "d/m/Y")
    if isinstance(field, models.BooleanField):
        return gettext("Yes") if value else gettext("No")
    if isinstance(field, models.DurationField):
        return printed_duration(value)
    if not isinstance(field, models.DecimalField):
        return str(value)
    is_amount = field.decimal_places == 2
    places = max(-value.normalize().as_tuple().exponent, 2 if is_amount or field.name.endswith("_price") else 0)
    unit = " %" if field.name.endswith("_percent") else " €" if is_amount else ""
    return f"{number_format(value, places, force_grouping=True)}{unit}"


def printed_duration(duration: timedelta | None) -> str:
    """Seconds, minutes and seconds, or hours and minutes; a dash for None."""
    if duration is None:
        return NOTHING
    seconds = round(duration.total_seconds(), 1)
    if seconds < 60:
        return f"{number_format(seconds, 1)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def link(record: models.Model | None) -> SafeString | str:
    """A link to a record's page."""
    if record is None:
        return NOTHING
    address = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', address, record)


def list_link(model: type[models.Model], text: object, **numbers: str) -> SafeString | str:
    """A link to the records of a list that carry these numbers; the text alone if one is blank."""
    if not all(numbers.values()):
        return str(text)
    return format_html('<a href="{}">{}</a>', list_address(model, **numbers), text)


def list_address(model: type[models.Model], **numbers: str) -> str:
    """Where the records of a list that carry these numbers are shown."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=numbers)


def changes_of(record: MirroredModel) -> str:
    """Where all that syncs did to a record is shown."""
    return list_address(RecordChange, **identity_of(record))


def identity_of(record: MirroredModel) -> dict[str, str]:
    """What tells a record's changes from those of others."""
    service = service_mirroring(type(record))
    return {"sync_type": service.sync_type, "key": str(getattr(record, service.layout.key))}


def may_view(request: HttpRequest, model: type[models.Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


def outside_link(address: str, text: str) -> SafeString | str:
    """A link that leaves this site, in a tab of its own; the text alone without an address."""
    if not address:
        return text
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, text)
