"""What people may do with a schedule."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin.buttons import Button, LinkButton
from sync.admin.links import get_list_url
from sync.coordinator import queue, schedules
from sync.models import SyncEvent, SyncRun, SyncSchedule


def run_schedule(schedule: SyncSchedule, *, mode: str, by: User) -> SyncRun:
    return queue.request_sync(schedule.sync_type, mode=mode, trigger=SyncRun.Trigger.ADMIN, by=by)


def enable_schedule(schedule: SyncSchedule, *, by: User) -> str:
    if schedule.enabled:
        return gettext("The schedule of %s is already enabled.") % schedule
    schedules.change_schedule(schedule.sync_type, enabled=True, by=by)
    return gettext("The schedule of %s is enabled.") % schedule


def disable_schedule(schedule: SyncSchedule, *, by: User) -> str:
    if not schedule.enabled:
        return gettext("The schedule of %s is already disabled.") % schedule
    schedules.change_schedule(schedule.sync_type, enabled=False, by=by)
    return gettext("The schedule of %s is disabled.") % schedule


def has_service(schedule: SyncSchedule) -> bool:
    return schedule.sync_type in settings.SYNC_TYPES


SCHEDULE_BUTTONS = (
    Button("run", _("Run now"), "sync.request_syncrun", has_service, partial(run_schedule, mode=SyncRun.Mode.AUTO)),
    Button(
        "run_full",
        _("Run now, in full"),
        "sync.request_syncrun",
        has_service,
        partial(run_schedule, mode=SyncRun.Mode.FULL),
    ),
    Button(
        "run_incremental",
        _("Run now, created and changed only"),
        "sync.request_syncrun",
        has_service,
        partial(run_schedule, mode=SyncRun.Mode.INCREMENTAL),
    ),
    Button(
        "enable",
        _("Enable"),
        "sync.change_syncschedule",
        lambda schedule: not schedule.enabled,
        enable_schedule,
        list_label=_("Enable the schedules"),
    ),
    Button(
        "disable",
        _("Disable"),
        "sync.change_syncschedule",
        lambda schedule: schedule.enabled,
        disable_schedule,
        list_label=_("Disable the schedules"),
    ),
    LinkButton(_("Runs"), "sync.view_syncrun", lambda schedule: get_list_url(SyncRun, sync_type=schedule.sync_type)),
    LinkButton(
        _("Events"), "sync.view_syncevent", lambda schedule: get_list_url(SyncEvent, sync_type=schedule.sync_type)
    ),
)
