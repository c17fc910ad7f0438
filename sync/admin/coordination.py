"""What keeps the syncs in order: the lock, schedules, open order forms, workers, what happened, and who is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync import error_texts
from sync.admin.facts import told_fact
from sync.admin.parts import (
    BoundedPaginator,
    SyncTypeFilter,
    badge,
    field_of,
    minutes,
    moment,
    run_link,
    state_badge,
    type_name,
)
from sync.admin.read_only import NOTHING, ReadOnlyAdmin, TolerantList, column_of, link, list_address, may_view
from sync.admin.refusals import require
from sync.admin.schedule_preview import PreviewAdmin
from sync.admin.verbs import Verb, VerbsAdmin
from sync.coordinator import mutex, queue, schedules, sessions
from sync.database import clock
from sync.exceptions import NotMirrored
from sync.list_names import list_name
from sync.models import Alert, OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import alerts, health
from sync.monitoring.health import WorkerState


def time_in(model: type[models.Model], name: str) -> Any:
    return column_of(field_of(model, name), show=moment)


# The lock


def lock_address(page: str) -> str:
    return reverse(f"admin:sync_synclock_{page}", args=[SyncLock.THE_ROW])


@admin.register(SyncLock)
class SyncLockAdmin(ReadOnlyAdmin):
    change_form_template = "admin/sync/synclock/page.html"
    readonly_fields = ("state", "current")
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "state",
                    "holder",
                    time_in(SyncLock, "acquired_at"),
                    time_in(SyncLock, "leased_until"),
                    "token",
                    "current",
                ]
            },
        ),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one row there is."""
        require(self, request, "sync.view_synclock")
        return HttpResponseRedirect(lock_address("change"))

    @admin.display(description=_("status"))
    def state(self, lock: SyncLock) -> SafeString:
        if lock.leased_until is None:
            return badge("✓", _("free"), "succeeded")
        if SyncLock.objects.held().exists():
            return badge("▶", _("held"), "running")
        return badge("⚠", _("not renewed: whoever comes next takes it"), "quarantined")

    @admin.display(description=_("run in progress"))
    def current(self, lock: SyncLock) -> SafeString | str:
        return link(SyncRun.objects.running().first())

    def tools(self, request: HttpRequest, lock: SyncLock) -> list[tuple[Any, str]]:
        if self.has_break_permission(request) and lock.leased_until:
            return [(_("Break the lock…"), lock_address("break"))]
        return []

    def has_break_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.break_synclock") and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.break_view))
        return [path("<int:pk>/break/", view, name="sync_synclock_break"), *super().get_urls()]

    def break_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to break the lock, and break it."""
        require(self, request, "sync.break_synclock")
        lock = get_object_or_404(SyncLock, pk=pk)
        if request.method == "POST":
            self.break_lock(request)
            return HttpResponseRedirect(lock_address("change"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Break the lock"),
            "lock": lock,
            "state": self.state(lock),
            "acquired_at": moment(lock.acquired_at),
            "leased_until": moment(lock.leased_until),
            "current": self.current(lock),
        }
        return TemplateResponse(request, "admin/sync/synclock/break.html", context)

    def break_lock(self, request: HttpRequest) -> None:
        if mutex.break_lock(by=cast(User, request.user)):
            text = gettext("The lock is broken: who held it can write no more.")
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, gettext("Nobody holds the lock: there is nothing to break."), messages.WARNING)


# Schedules


class ScheduleList(TolerantList):
    """The schedules, each with its type's health, which is asked for once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = with_health(self.result_list)


def with_health(rows: Iterable[Any]) -> list[Any]:
    healths = {each.sync_type: each for each in health.status().types}
    rows = list(rows)
    for row in rows:
        row.health = healths.get(row.sync_type)  # None for a type that was mirrored once and is no more
    return rows


SWITCHED = {
    True: gettext_noop("The schedule of %s is enabled."),
    False: gettext_noop("The schedule of %s is disabled."),
}
SWITCHED_ALREADY = {
    True: gettext_noop("The schedule of %s is already enabled."),
    False: gettext_noop("The schedule of %s is already disabled."),
}


def run_now(mode: str) -> Any:
    def do(schedule: SyncSchedule, *, by: User) -> SyncRun:
        if not is_mirrored(schedule):
            raise NotMirrored(sync_type=schedule.sync_type)
        return queue.request_sync(schedule.sync_type, mode=mode, trigger=SyncRun.Trigger.ADMIN, by=by)

    return do


def switch(*, on: bool) -> Any:
    """To enable a schedule, or to disable it."""

    def do(schedule: SyncSchedule, *, by: User) -> str:
        if schedule.enabled == on:
            return gettext(SWITCHED_ALREADY[on]) % list_name(schedule.sync_type)
        schedules.change_schedule(schedule.sync_type, enabled=on, by=by)
        return gettext(SWITCHED[on]) % list_name(schedule.sync_type)

    return do


def is_mirrored(schedule: SyncSchedule) -> bool:
    return schedule.sync_type in settings.SYNC_TYPES


@admin.register(SyncSchedule)
class SyncScheduleAdmin(PreviewAdmin, VerbsAdmin):
    list_display = (type_name, "state_now", "interval", "start", "enabled", "next_due", "fresh_as_of", "failures")
    sortable_by = ()
    verbs = (
        Verb("run", _("Run now"), "sync.request_syncrun", run_now(SyncRun.Mode.AUTO), is_mirrored),
        Verb("run_full", _("Run now, in full"), "sync.request_syncrun", run_now(SyncRun.Mode.FULL), is_mirrored),
        Verb(
            "run_incremental",
            _("Run now, created and changed only"),
            "sync.request_syncrun",
            run_now(SyncRun.Mode.INCREMENTAL),
            is_mirrored,
        ),
        Verb(
            "enable",
            _("Enable"),
            "sync.change_syncschedule",
            switch(on=True),
            lambda schedule: not schedule.enabled,
            action=_("Enable the schedules"),
        ),
        Verb(
            "disable",
            _("Disable"),
            "sync.change_syncschedule",
            switch(on=False),
            lambda schedule: schedule.enabled,
            action=_("Disable the schedules"),
        ),
    )
    readonly_fields = (
        type_name,
        "preview",
        "state_now",
        "next_due",
        "fresh_as_of",
        "failures",
        time_in(SyncSchedule, "counted_from"),
        time_in(SyncSchedule, "requested_slot"),
        time_in(SyncSchedule, "patient_since"),
    )
    fieldsets = (
        (None, {"fields": [type_name, "every", "first_at", "enabled", "preview"]}),
        (_("As it stands"), {"fields": ["state_now", "next_due", "fresh_as_of", "failures"]}),
        (_("What the times are counted from"), {"fields": readonly_fields[-3:]}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScheduleList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        schedule = super().get_object(request, object_id, from_field)
        return with_health([schedule])[0] if schedule else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            require(self, request, "sync.change_syncschedule")
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: SyncSchedule, form: Any, change: bool) -> None:
        """By the one door for it. The form has looked at the values as that door does, so that none is refused here."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if changes:
            schedules.change_schedule(obj.sync_type, **changes, by=cast(User, request.user))

    def tools(self, request: HttpRequest, schedule: SyncSchedule) -> list[tuple[Any, str]]:
        pages = ((_("Runs"), SyncRun), (_("Events"), SyncEvent))
        return [
            (text, list_address(model, sync_type=schedule.sync_type))
            for text, model in pages
            if may_view(request, model)
        ]

    @admin.display(description=_("every"))
    def interval(self, schedule: SyncSchedule) -> str:
        return minutes(schedule.every)

    @admin.display(description=_("first at"))
    def start(self, schedule: SyncSchedule) -> str:
        return minutes(schedule.first_at)

    @admin.display(description=_("state"))
    def state_now(self, schedule: Any) -> SafeString | str:
        return state_badge(schedule.health.state) if schedule.health else NOTHING

    @admin.display(description=_("next due"))
    def next_due(self, schedule: Any) -> str:
        due = schedule.health.next_due if schedule.health else None
        return gettext("due since %s") % moment(due) if due and due <= clock.now() else moment(due)

    @admin.display(description=_("fresh as of"))
    def fresh_as_of(self, schedule: Any) -> str:
        return moment(schedule.health.fresh_as_of if schedule.health else None)

    @admin.display(description=_("failures in a row"))
    def failures(self, schedule: Any) -> str:
        return str(schedule.health.consecutive_failures) if schedule.health else NOTHING


# Open order forms


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


def close(session: OrderFormSession, *, by: User) -> str:
    names = {"agent": session.user, "time": moment(session.opened_at)}
    if not session.is_live:
        return gettext("The order form of %(agent)s of %(time)s had ended already.") % names
    sessions.close_session(session, by=by)
    return gettext("The order form of %(agent)s of %(time)s is closed.") % names


@admin.register(OrderFormSession)
class OrderFormSessionAdmin(VerbsAdmin, ReadOnlyAdmin):
    times = tuple(time_in(OrderFormSession, name) for name in ("opened_at", "active_at", "expires_at", "closed_at"))
    list_display = ("user", "state", *times)
    list_filter = (LiveFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    search_help_text = _("An agent's name.")
    verbs = (
        Verb(
            "close",
            _("Close"),
            "sync.close_orderformsession",
            close,
            lambda session: session.is_live,
            action=_("Close the order forms"),
        ),
    )
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["state", "id", "user", *times]}),)

    @admin.display(description=_("status"))
    def state(self, session: OrderFormSession) -> SafeString:
        if session.is_live:
            return badge("▶", _("live"), "running")
        return badge("–", _("closed") if session.was_left else _("expired"))

    def tools(self, request: HttpRequest, session: OrderFormSession) -> list[tuple[Any, str]]:
        events = [(_("Events"), list_address(SyncEvent, session=str(session.pk)))]
        return events if may_view(request, SyncEvent) else []


# Workers


def worker_badge(state: WorkerState) -> SafeString:
    match state:
        case WorkerState.ALIVE:
            return badge("✓", _("alive"), "succeeded")
        case WorkerState.SILENT:
            return badge("✗", _("silent"), "failed")
        case WorkerState.STOPPED:
            return badge("–", _("stopped"))


@admin.register(SyncWorker)
class SyncWorkerAdmin(ReadOnlyAdmin):
    times = tuple(time_in(SyncWorker, name) for name in ("started_at", "seen_at", "stopped_at"))
    list_display = ("name", "state", *times)
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["name", "state", *times]}),)

    @admin.display(description=_("status"))
    def state(self, worker: SyncWorker) -> SafeString:
        return worker_badge(health.worker_state(worker, clock.now()))


# What happened


@admin.register(SyncEvent)
class SyncEventAdmin(ReadOnlyAdmin):
    list_display = ("when", "kind", "type_or_none", "run_by_number", "who", "told")
    list_filter = ("kind", SyncTypeFilter)
    list_select_related = ("by", "session__user")
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = BoundedPaginator
    readonly_fields = ("when", "type_or_none", "run_by_number", "who", "told")
    fieldsets = ((None, {"fields": ["when", "kind", "type_or_none", "run_by_number", "who", "told"]}),)

    @admin.display(description=_("time"))
    def when(self, event: SyncEvent) -> str:
        return moment(event.at)

    @admin.display(description=_("type"))
    def type_or_none(self, event: SyncEvent) -> str:
        return list_name(event.sync_type) if event.sync_type else NOTHING

    @admin.display(description=_("run"))
    def run_by_number(self, event: SyncEvent) -> SafeString | str:
        return run_link(event.run_id) if event.run_id else NOTHING

    @admin.display(description=_("by"))
    def who(self, event: SyncEvent) -> str:
        return str(event.by or NOTHING)

    @admin.display(description=_("facts"))
    def told(self, event: SyncEvent) -> SafeString | str:
        lines = [(label, value) for name, fact in event.facts.items() for label, value in told_fact(name, fact)]
        if event.session:
            lines.append((_("order form"), link(event.session)))
        return format_html_join("", '<div><span class="changed-field">{}</span> {}</div>', lines) or NOTHING


# Who is told


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


def send_again(alert: Alert, *, by: User) -> str:
    alerts.send_again(alert, by=by)
    return gettext("Alert %s is sent again within a minute.") % alert.pk


@admin.register(Alert)
class AlertAdmin(VerbsAdmin, ReadOnlyAdmin):
    times = tuple(time_in(Alert, name) for name in ("next_attempt_at", "tried_at", "delivered_at", "given_up_at"))
    list_display = ("what", "channel", "state", "attempts", "told_error", times[0])
    list_filter = (AlertStateFilter, "channel")
    list_select_related = ("event",)
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    verbs = (Verb("resend", _("Send again"), "sync.resend_alert", send_again, lambda alert: alert.attempts > 0),)
    readonly_fields = ("what", "state", "told_error")
    fieldsets = ((None, {"fields": ["what", "channel", "state", "attempts", *times, "told_error"]}),)

    @admin.display(description=_("what is told"))
    def what(self, alert: Alert) -> str:
        facts = alert.event.facts
        words = (alerts.word_for(facts[name]) for name in ("before", "after"))
        return f"{moment(alert.event.at)} {alerts.subject_of(alert.event)}: {' → '.join(words)}"

    @admin.display(description=_("status"))
    def state(self, alert: Alert) -> SafeString:
        if alert.delivered_at:
            return badge("✓", _("delivered"), "succeeded")
        if alert.given_up_at:
            return badge("✗", _("given up"), "failed")
        return badge("…", _("waiting"), "quarantined" if alert.error else "queued")

    @admin.display(description=_("last error"))
    def told_error(self, alert: Alert) -> str:
        return error_texts.sentence(alert.error) or NOTHING
