"""Open order forms, to look at and to close."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, formatting, links
from sync.admin.buttons import Button, LinkButton
from sync.admin.read_only import ReadOnlyAdmin
from sync.coordinator import sessions
from sync.models import OrderFormSession, SyncEvent


class LiveFilter(admin.SimpleListFilter):
    """Whether an order form keeps other syncs paused."""

    title = _("status")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("live")), ("no", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        live = OrderFormSession.objects.live()
        match self.value():
            case "yes":
                return queryset.filter(pk__in=live.values("pk"))
            case "no":
                return queryset.exclude(pk__in=live.values("pk"))
        return queryset


def close_form(session: OrderFormSession, *, by: User) -> str:
    names = {"agent": session.user, "time": formatting.format_datetime(session.opened_at)}
    if not session.is_live:
        return gettext("The order form of %(agent)s of %(time)s had ended already.") % names
    sessions.close_session(session, by=by)
    return gettext("The order form of %(agent)s of %(time)s is closed.") % names


@admin.register(OrderFormSession)
class OrderFormSessionAdmin(ReadOnlyAdmin):
    times = columns.make_datetime_columns(OrderFormSession, "opened_at", "active_at", "expires_at", "closed_at")
    list_display = ("user", "state", *times)
    list_filter = (LiveFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    search_help_text = _("Enter an agent's name.")
    buttons = (
        Button(
            "close",
            _("Close"),
            "sync.close_orderformsession",
            lambda session: session.is_live,
            close_form,
            list_label=_("Close the order forms"),
        ),
        LinkButton(
            _("Events"), "sync.view_syncevent", lambda session: links.get_list_url(SyncEvent, session=str(session.pk))
        ),
    )
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["state", "id", "user", *times]}),)

    @admin.display(description=_("status"))
    def state(self, session: OrderFormSession) -> str:
        if session.is_live:
            return formatting.format_badge("▶", _("live"), "running")
        return formatting.format_badge("–", _("closed") if session.was_left else _("expired"))
