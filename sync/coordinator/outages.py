"""What waits because the ERP could not be reached goes on as soon as it answers anybody.

A list is taken to be in an outage if it failed twice or more by such a cause and the ERP answered nobody in between.
One that fails while others succeed has a cause of its own, and is tried less and less often as before.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q

from sync.coordinator import wake_ups
from sync.database import clock
from sync.exceptions import ErpAnswerUnexpected, ErpPageSlow, ErpUnavailable
from sync.models import SyncRun, SyncSchedule

# Not ErpPageChanged: a page came, and it is the list's own.
CAUSES = [cause.__name__ for cause in (ErpUnavailable, ErpAnswerUnexpected, ErpPageSlow)]
FAILURES = 2  # with no answer in between


def note_answer() -> None:
    """End what an outage made wait: the ERP has just given somebody an export, or a look that was to replace one.

    A smart run's look is no such answer: it may be given while the exports fail.
    """
    finished = SyncRun.objects.finished().about_whole_list()
    answered = finished.filter(Q(erp_time__isnull=False) | Q(read_from=SyncRun.Source.LOOK))
    last = answered.exclude(error_class__in=CAUSES).order_by("-finished_at").values_list("finished_at", flat=True)
    since = last.first()
    if end_back_offs(since) + end_waits(since):
        wake_ups.wake_worker()


def end_back_offs(since: datetime | None) -> int:
    """Let the lists be due again that backed off for failures after the last answer; how many."""
    runs = SyncRun.objects.unsuccessful().exclude(mode=SyncRun.Mode.SMART).filter(error_class__in=CAUSES)
    failed = (runs.filter(finished_at__gt=since) if since else runs).order_by().values("sync_type")
    types = failed.annotate(failures=Count("pk")).filter(failures__gte=FAILURES).values_list("sync_type", flat=True)
    ended = 0
    for schedule in SyncSchedule.objects.filter(sync_type__in=list(types)):
        failures = schedule.find_failures()
        has_own_cause = failures.exclude(error_class__in=CAUSES).count() >= schedule.FAILURES_ENDURED
        if failures.count() >= schedule.FAILURES_ENDURED and not has_own_cause:
            ended += SyncSchedule.objects.filter(pk=schedule.pk).update(patient_since=clock.now())
    return ended


def end_waits(since: datetime | None) -> int:
    """Let the runs be tried at once whose attempts failed after the last answer; how many."""
    ended = 0
    for run in SyncRun.objects.queued().filter(not_before__gt=clock.now()).exclude(ended_attempts=[]):
        failed = [
            attempt
            for attempt in run.ended_attempts
            if attempt["error"] in CAUSES and (since is None or datetime.fromisoformat(attempt["endedAt"]) > since)
        ]
        if len(failed) >= FAILURES and failed[-1] == run.ended_attempts[-1]:
            waiting = SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.QUEUED, not_before=run.not_before)
            ended += waiting.update(not_before=None)
    return ended
