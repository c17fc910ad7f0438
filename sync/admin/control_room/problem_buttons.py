"""The buttons against a problem."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sync.admin import links
from sync.admin.buttons import ShownButton
from sync.admin.permissions import may_view
from sync.models import Alert, ColumnDrift, SyncLock, SyncSchedule
from sync.monitoring.problems import Action, Kind, Problem


def find_buttons(request: HttpRequest, problem: Problem) -> Iterator[ShownButton]:
    """What this reader may press against a problem."""
    row, may = problem.row, request.user.has_perm
    match problem.kind:
        case Kind.LOCK_SILENT if may_view(request, SyncLock):
            yield ShownButton(_("View the lock"), links.get_lock_url())
        case Kind.RUN_SLOW | Kind.FETCH_SLOW if may("sync.request_syncrun"):
            yield ShownButton(_("Cancel"), links.get_button_url(row, "cancel"), is_form=True)
        case Kind.LOGIN_REJECTED | Kind.QUARANTINED | Kind.FAILING if row:
            if problem.action == Action.DECIDE_ON_EXPORT and may("sync.accept_syncrun"):
                yield ShownButton(_("View what would be lost"), links.get_url(row, "accept"))
            yield ShownButton(_("View run %s") % row.pk, links.get_url(row))
            is_settled = problem.action in (Action.WAIT_FOR_LOGIN, Action.WAIT_FOR_ACCEPTANCE)
            if not is_settled and not row.cannot_retry() and may("sync.request_syncrun"):
                yield ShownButton(_("Try again"), links.get_button_url(row, "retry"), is_form=True)
        case Kind.OLD if problem.action == Action.RUN_OR_ENABLE and may_view(request, SyncSchedule):
            if may("sync.request_syncrun"):
                yield ShownButton(_("Run now"), links.get_button_url(row, "run"), is_form=True)
            if may("sync.change_syncschedule"):
                yield ShownButton(_("Enable"), links.get_button_url(row, "enable"), is_form=True)
        case Kind.RETRYING:
            if row.waits_for_its_time and may("sync.request_syncrun"):
                yield ShownButton(_("Run now"), links.get_button_url(row, "run"), is_form=True)
            yield ShownButton(_("View run %s") % row.pk, links.get_url(row))
        case Kind.COLUMNS_CHANGED if may("sync.see_columndrift") and may_view(request, ColumnDrift):
            yield ShownButton(_("Seen"), links.get_button_url(row, "see"), is_form=True)
        case Kind.SCHEDULES_DISABLED if may_view(request, SyncSchedule):
            yield ShownButton(_("View the schedules"), links.get_list_url(SyncSchedule))
        case Kind.ALERT_NOT_DELIVERED if may_view(request, Alert):
            yield ShownButton(_("View the alert"), links.get_url(row))
