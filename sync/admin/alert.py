"""Alerts, to look at and to send again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, formatting
from sync.admin.buttons import Button
from sync.admin.formatting import NOTHING
from sync.admin.read_only import ReadOnlyAdmin
from sync.models import Alert
from sync.monitoring import alert_channels, alerts
from sync.translations import translate


class AlertStateFilter(admin.SimpleListFilter):
    """What became of an alert."""

    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("delivered", _("delivered")), ("given-up", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        match self.value():
            case "waiting":
                return queryset.filter(next_attempt_at__isnull=False)
            case "delivered":
                return queryset.filter(delivered_at__isnull=False)
            case "given-up":
                return queryset.filter(given_up_at__isnull=False)
        return queryset


def resend_alert(alert: Alert, *, by: User) -> str:
    alerts.send_again(alert, by=by)
    return gettext("Alert %s is sent again within a minute.") % alert.pk


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    times = columns.make_datetime_columns(Alert, "next_attempt_at", "tried_at", "delivered_at", "given_up_at")
    list_display = ("what", "channel", "state", "attempts", "last_error", times[0])
    list_filter = (AlertStateFilter, "channel")
    list_select_related = ("event",)
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    buttons = (Button("resend", _("Send again"), "sync.resend_alert", lambda alert: alert.attempts > 0, resend_alert),)
    readonly_fields = ("what", "state", "last_error")
    fieldsets = ((None, {"fields": ["what", "channel", "state", "attempts", *times, "last_error"]}),)

    @admin.display(description=_("content"))
    def what(self, alert: Alert) -> str:
        facts = alert.event.facts
        words = (alert_channels.describe_state(facts[name]) for name in ("before", "after"))
        subject = alert_channels.describe_subject(alert.event)
        return f"{formatting.format_datetime(alert.event.at)} {subject}: {' → '.join(words)}"

    @admin.display(description=_("status"))
    def state(self, alert: Alert) -> str:
        if alert.delivered_at:
            return formatting.format_badge("✓", _("delivered"), "succeeded")
        if alert.given_up_at:
            return formatting.format_badge("✗", _("given up"), "failed")
        return formatting.format_badge("…", _("waiting"), "quarantined" if alert.error else "queued")

    @admin.display(description=_("last error"))
    def last_error(self, alert: Alert) -> str:
        return translate(alert.error) or NOTHING
