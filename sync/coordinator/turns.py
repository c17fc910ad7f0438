"""What is queued: what it waits for, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Exists, F, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Least

from sync.coordinator import kept_exports
from sync.database import clock
from sync.erp import allowance
from sync.erp import login as erp_login
from sync.messages import gettext_noop
from sync.models import OrderFormSession, SyncRun
from sync.models.runs import SyncRunQuerySet
from sync.service import list_smart_types

Mode = SyncRun.Mode


class WaitsFor(StrEnum):
    """What a queued run waits for; the first that holds."""

    LOGIN = "login"  # that the ERP accepts the login
    HOURS = "hours"  # that the ERP may be asked
    ALLOWANCE = "allowance"  # that the day is over, whose exports are spent
    LOGINS = "logins"  # that the day is over, whose logins are spent, as a session has ended
    TIME = "time"  # the time of its next attempt
    FORMS = "forms"  # that the open order forms are left
    TURN = "turn"  # nothing but what runs before it


REASONS: dict[str, str] = {  # why what the clock alone ends keeps a run waiting
    WaitsFor.HOURS: gettext_noop("the ERP is not asked outside its hours"),
    WaitsFor.ALLOWANCE: gettext_noop("the exports of the day are spent"),
    WaitsFor.LOGINS: gettext_noop("the logins of the day are spent, and the ERP has ended the session"),
}


@dataclass(frozen=True)
class Pause:
    """A stretch of time in which order forms paused other lists."""

    begins: datetime
    ends: datetime


def find_queued(now: datetime | None = None) -> Any:
    """The queued runs, each with what it `waits_for`, in the order in which they run.

    A smart run, an export that somebody has just accepted, then what has waited too long, by age, then by priority and
    age. What has waited too long is no longer paused by order forms either. While the ERP's login is rejected, or the
    ERP is not asked, only what needs neither may run.
    """
    now = now or clock.now()
    overdue = is_overdue(now)
    places = (When(mode=Mode.SMART, then=0), When(accepts__isnull=False, then=1), When(overdue, then=2))
    place = Case(*places, default=3, output_field=IntegerField())
    urgency = Case(When(overdue, then=0), default=F("priority"), output_field=IntegerField())
    runs: Any = SyncRun.objects.queued()
    return runs.annotate(waits_for=build_waits_for(now)).order_by(place, -urgency, "requested_at", "pk")


def build_waits_for(now: datetime) -> Case:
    """What a run waits for; null if it is not queued."""
    closed = [When(needs_erp(now), then=Value(WaitsFor.HOURS))] if not allowance.find_hours().is_open(now) else []
    return Case(
        When(~Q(status=SyncRun.Status.QUEUED), then=Value(None)),
        When(erp_login.waits_for_login(), then=Value(WaitsFor.LOGIN)),
        *closed,
        When(allowance.are_exports_spent(now) & needs_erp(now) & ~Q(mode=Mode.SMART), then=Value(WaitsFor.ALLOWANCE)),
        When(allowance.is_login_missing(now) & needs_erp(now) & ~Q(mode=Mode.SMART), then=Value(WaitsFor.LOGINS)),
        When(not_before__gt=now, then=Value(WaitsFor.TIME)),
        When(is_paused_by_forms(now) & ~is_overdue(now), then=Value(WaitsFor.FORMS)),
        default=Value(WaitsFor.TURN),
        output_field=CharField(null=True),
    )


def is_overdue(now: datetime) -> Q:
    """The runs that have waited too long."""
    return Q(requested_at__lte=now - settings.SYNC_LONGEST_PAUSE)


def needs_erp(now: datetime) -> Q:
    """The runs that ask the ERP, if nobody lets them ignore its hours: not those that have kept their export."""
    fetched = ~Q(export_path="") & Q(exported_at__gt=now - kept_exports.READ_FOR)
    return erp_login.NEEDS_LOGIN & ~fetched & Q(ignores_hours=False)


def find_runnable(now: datetime | None = None) -> SyncRunQuerySet:
    """The queued runs that may start, the most urgent first."""
    runs: SyncRunQuerySet = find_queued(now).filter(waits_for=WaitsFor.TURN)
    return runs


def is_paused_by_forms(now: datetime) -> Q:
    """Of runs, or of schedules: those of a type that an open order form pauses.

    It pauses neither the types that it reads, nor what was never mirrored: it could show none of it.
    """
    is_mirrored = Exists(SyncRun.objects.succeeded().filter(sync_type=OuterRef("sync_type")))
    return Q(Exists(OrderFormSession.objects.live(now))) & ~Q(sync_type__in=list_smart_types()) & Q(is_mirrored)


def find_pauses(since: datetime) -> list[Pause]:
    """When order forms were open that did not end before a moment; that of one open now ends when it would expire."""
    ends = Least(Coalesce("closed_at", "expires_at"), "expires_at")
    sessions = OrderFormSession.objects.filter(expires_at__gt=since).annotate(ends=ends).filter(ends__gt=since)
    found: list[Pause] = []
    for begins, ends_at in sessions.order_by("opened_at").values_list("opened_at", "ends"):
        if found and begins <= found[-1].ends:
            found[-1] = Pause(found[-1].begins, max(found[-1].ends, ends_at))
        else:
            found.append(Pause(begins, ends_at))
    return found


def find_end_of_wait(run: SyncRun, waits_for: str | None, now: datetime) -> datetime | None:
    """Until when a queued run waits for what `find_queued` says, if the clock alone decides it."""
    match waits_for:
        case WaitsFor.HOURS:
            return allowance.find_hours().find_opening(now)
        case WaitsFor.ALLOWANCE | WaitsFor.LOGINS:
            return allowance.find_next_day(now)
        case WaitsFor.TIME:
            return run.not_before
    return None


def find_what_it_waits_for(run: SyncRun) -> str | None:
    """None if it is not queued. Asked in one query: between two, another process may start the run."""
    found: str | None = find_queued().filter(pk=run.pk).values_list("waits_for", flat=True).first()
    return found
