"""What is wrong, and what to do about it: as data, of which pages and commands make sentences.

The labels of kinds and actions are those sentences, to be filled with a problem's facts where they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.mirror.column_drift import describe_drifts


class Kind(TextChoices):
    """What is wrong."""

    NO_WORKER = "no_worker", _("No worker has been started yet: nothing runs automatically.")
    WORKER_STOPPED = "worker_stopped", _("%(worker)s was stopped at %(time)s: nothing runs automatically.")
    WORKER_SILENT = "worker_silent", _("%(worker)s has not responded since %(time)s: nothing runs automatically.")
    ONE_WORKER_SILENT = (
        "one_worker_silent",
        _("%(worker)s has not responded since %(time)s; the other workers continue."),
    )
    LOCK_SILENT = "lock_silent", _("The process that holds the lock has not responded since %(time)s.")
    RUN_SLOW = "run_slow", _("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s.")
    FETCH_SLOW = (
        "fetch_slow",
        _("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s. The ERP may hang."),
    )
    CLOCK_AHEAD = "clock_ahead", _("The clock of %(machine)s is %(difference)s ahead of the database's.")
    CLOCK_BEHIND = "clock_behind", _("The clock of %(machine)s is %(difference)s behind the database's.")
    LOGIN_REJECTED = (
        "login_rejected",
        _("The ERP has not accepted the login of %(username)s since %(time)s: no list is synced."),
    )
    LOGINS_SPENT = (
        "logins_spent",
        _("The %(limit)d logins to the ERP that are allowed in a day (ERP_LOGINS_A_DAY) are spent."),
    )
    LOGINS_HIGH = "logins_high", _("Of the %(limit)d logins to the ERP that are allowed today, %(count)d are spent.")
    EXPORTS_SPENT = (
        "exports_spent",
        _("The %(limit)d exports that may be asked for in a day (ERP_EXPORTS_A_DAY) are spent: nothing is scheduled."),
    )
    EXPORTS_HIGH = "exports_high", _("Of the %(limit)d exports that may be asked for today, %(count)d are spent.")
    DISK_FULL = "disk_full", _("The disk with %(folder)s is full (%(files)s): nothing can be saved there.")
    DISK_LOW = "disk_low", _("The disk with %(folder)s is nearly full (%(files)s): %(free)s are free.")
    QUARANTINED = "quarantined", _("%(list)s: the export of %(time)s is in quarantine. %(error)s")
    FAILING = "failing", _("%(list)s: %(times)s, last at %(time)s. %(error)s")
    NEVER_MIRRORED = "never_mirrored", _("%(list)s: never synced so far.")
    OLD = "old", _("%(list)s: old data; last updated at %(time)s, %(ago)s ago, and the schedule is disabled.")
    LATE = "late", _("%(list)s: late; last updated at %(time)s, %(ago)s ago.")
    RETRYING = "retrying", _("%(list)s: %(error)s")
    COLUMNS_CHANGED = "columns_changed", _("%(list)s: the columns have changed. %(changes)s")
    NOTICE = "notice", "%(list)s: %(text)s"
    NO_SCHEDULE = "no_schedule", _("%(list)s: no schedule exists, so the state is not known.")
    SCHEDULES_DISABLED = (
        "schedules_disabled",
        _("Synced only on request, because their schedules are disabled: %(lists)s"),
    )
    ALERT_NOT_DELIVERED = "alert_not_delivered", _("Alerts may not be arriving (%(channel)s). %(error)s")


class Action(TextChoices):
    """What somebody has to do, or what happens if nobody does anything."""

    START_WORKER = "start_worker", _("Start manage.py qcluster on the server.")
    RESTART_WORKER = (
        "restart_worker",
        _(
            "A worker that hangs is restarted by its watchdog within %(seconds)d s. If it still does not respond, "
            "check that its machine is running and can reach the database, and restart manage.py qcluster there."
        ),
    )
    WAIT_FOR_TAKEOVER = (
        "wait_for_takeover",
        _("The next process takes over the lock and runs the sync again: you do not need to do anything."),
    )
    WAIT_FOR_RUN = "wait_for_run", _("The export is read and applied; the other lists wait.")
    WAIT_FOR_FETCH = (
        "wait_for_fetch",
        _("The attempt ends automatically if the ERP takes longer than %(longest)s; the other lists wait."),
    )
    SET_CLOCK = (
        "set_clock",
        _("Correct the clock, and keep it correct with NTP. Until then, syncs use the database's clock."),
    )
    CHECK_LOGIN = (
        "check_login",
        _("Check ERP_USERNAME and ERP_PASSWORD on the server. Pressing Run now or Try again makes one new attempt."),
    )
    WAIT_FOR_LOGIN = "wait_for_login", _("A person asked for a new attempt.")
    WAIT_FOR_LOGINS = (
        "wait_for_logins",
        _(
            "A run that needs a new login waits until %(next)s. Find out why the ERP's sessions end so early: does "
            "somebody else use the same user?"
        ),
    )
    SPARE_LOGINS = (
        "spare_logins",
        _("Once they are spent, no run can log in today. Find out why the ERP's sessions end so early."),
    )
    WAIT_FOR_EXPORTS = (
        "wait_for_exports",
        _("The lists are synced again from %(next)s; an administrator can run one before that, from its page."),
    )
    SPARE_EXPORTS = (
        "spare_exports",
        _("Once they are spent, nothing is scheduled today. Let the lists be synced less often."),
    )
    MAKE_ROOM = "make_room", _("Free space there; whatever waits for it then continues automatically.")
    DECIDE_ON_EXPORT = (
        "decide_on_export",
        _(
            "Nothing was changed. Accept the export if it is right; otherwise correct the list in the ERP and try "
            "again."
        ),
    )
    WAIT_FOR_ACCEPTANCE = "wait_for_acceptance", _("Its export was accepted and waits for its turn.")
    RUN_OR_ENABLE = "run_or_enable", _("Run the sync now, or enable its schedule. Until then, treat the data as old.")
    MARK_AS_SEEN = "mark_as_seen", _("Press Seen if this is right; otherwise correct it in the ERP.")
    SHOW_COLUMNS = (
        "show_columns",
        _("Their mirrored values stay as they were. Show these columns in the ERP's list again, or press Seen."),
    )
    FOLLOW_NOTICE = "follow_notice", "%(advice)s"
    MIGRATE = "migrate", _("Run manage.py migrate on the server.")
    LOOK_AT_SCHEDULES = "look_at_schedules", ""
    SEND_AGAIN = (
        "send_again",
        _("The service no longer tries to send the alert. Correct the cause, then send it again."),
    )
    IN_PROGRESS = "in_progress", _("A run is in progress.")
    LOGIN_FIRST = "login_first", _("No sync is tried until the ERP accepts the login.")
    RETRIED_NOW = "retried_now", _("It is tried again now.")
    RETRIED_LATER = "retried_later", _("It is tried again automatically at %(next)s.")
    RETRIED_IN_TURN = "retried_in_turn", _("It is tried again automatically when its turn comes.")
    QUEUED = "queued", _("A run waits for its turn.")
    QUEUED_UNTIL = "queued_until", _("A run waits until the ERP may be asked, at %(next)s.")
    QUEUED_BEHIND_FORMS = "queued_behind_forms", _("A run waits until the order forms are closed.")
    RUN_BY_HAND = "run_by_hand", _("Its schedule is disabled: press Run now on its card.")
    DUE = "due", _("It has been due since %(next)s: it runs as soon as a worker takes it.")
    DUE_LATER = "due_later", _("The next attempt is at %(next)s; or press Run now on its card.")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `row` is what it is about, and what a button acts on.

    The facts are values: times, durations, sync types, errors.
    """

    kind: Kind
    action: Action
    is_grave: bool = True  # a list cannot be trusted, or nothing runs
    row: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    def describe(self, formats: dict[str, Callable[[Any], Any]]) -> tuple[str, str]:
        """What is wrong, and what to do, in the reader's language, with the facts in these formats, by name."""
        formats = FORMATS | formats
        facts = {name: formats[name](value) if name in formats else value for name, value in self.facts.items()}
        return self.kind.label % facts, self.action.label % facts


FORMATS: dict[str, Callable[[Any], Any]] = {
    "worker": lambda worker: gettext("The worker on %s") % worker.machine,
    "files": lambda files: ", ".join(map(gettext, files)),
    "free": filesizeformat,
    "changes": describe_drifts,
}
