"""The admin of records of the ERP's lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, links
from sync.admin.buttons import LinkButton
from sync.admin.read_only import ReadOnlyAdmin
from sync.models import MirroredModel


class PresenceFilter(admin.SimpleListFilter):
    """Whether the ERP still shows a record."""

    title = _("presence in the ERP")
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("present", _("present")), ("missing", _("missing")), ("removed", _("removed"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "present":
                return queryset.shown()
            case "missing":
                return queryset.missing()
            case "removed":
                return queryset.removed()
        return queryset


class MirroredAdmin(ReadOnlyAdmin):
    """Records of one of the ERP's lists: the fields of the list as declared, what the mirror knows at the end."""

    buttons = (LinkButton(_("History"), "sync.view_recordchange", links.get_changes_url),)
    change_form_template = "admin/mirrored_change_form.html"
    change_list_template = "admin/mirrored_change_list.html"

    def __init__(self, model: type[MirroredModel], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        fields = [field for field in model._meta.fields if isinstance(field, (models.DateField, models.DecimalField))]
        self.columns = {field.name: columns.make_column(field) for field in fields}

    def get_columns(self, names: Any) -> list[Any]:
        return [self.columns.get(name, name) for name in names]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *others = self.get_columns(super().get_list_display(request))
        return [first, "presence", *others]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [PresenceFilter, *super().get_list_filter(request)]

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        names = ["created_at", "changed_at", "missing_since", "removed_at", "erased_at"]
        mirrored = {"fields": self.get_columns(names)}
        declared = [
            (title, {**options, "fields": self.get_columns(options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [*declared, (_("In the mirror"), mirrored)]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what syncs did to the record: Django's own log knows only what people do in the admin."""
        record = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        if record is None:
            raise Http404
        return HttpResponseRedirect(links.get_changes_url(record))

    @admin.display(description=_("presence"), ordering="removed_at")
    def presence(self, record: MirroredModel) -> Any:
        if record.removed_at:
            return _("removed")
        return _("missing") if record.missing_since else _("present")
