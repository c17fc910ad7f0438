"""What must hold, whatever goes wrong: looked at each second, and at the end."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from itertools import chain
from time import sleep, time
from typing import Any

from orders.models import Draft
from sync.models import Alert, RecordChange, SyncEvent, SyncRun
from sync.monitoring.status import TRUSTED
from sync.service import SyncService, list_services
from tests.campaign.erp_states import ErpStates, Values
from tests.campaign.event_log import EventLog
from tests.campaign.faults import System
from tests.campaign.people import Administrator, Agent
from tests.campaign.snapshot import MirroredList, Snapshot, to_seconds
from tests.sync.demo import mirrored_fields

Kind = SyncEvent.Kind

Kinds = RecordChange.Kind
LONGEST_RUN = 60  # seconds: what the ERP may take (ERP_EXPORT_SECONDS), two leases, and the rest
SENT_WITHIN = 40  # seconds that due alerts have at the end
NOTHING_DONE_FOR = 30  # seconds that runs may wait while a worker is fit and nothing runs
ENDS = {
    Kind.RUN_SUCCEEDED,
    Kind.RUN_FAILED,
    Kind.RUN_QUARANTINED,
    Kind.RUN_CANCELLED,
    Kind.RUN_PREEMPTED,
    Kind.RUN_HANDED_BACK,
    Kind.RUN_LOST,
    Kind.RUN_TO_BE_RETRIED,
}


class Check:
    """Finds one kind of violation."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.event_log: EventLog = system.event_log

    def look(self, snapshot: Snapshot) -> None:
        """Each second, while faults happen."""

    def check_end(self, snapshot: Snapshot) -> None:
        """When everything has been synced once more, and no fault is at work."""


class NoOverlap(Check):
    """Never two runs at once: by their rows, and by their events, which stand in the order in which they were made."""

    def look(self, snapshot: Snapshot) -> None:
        if len(snapshot.running) > 1:
            self.event_log.add_violation("overlap", "two runs are running", runs=[run.pk for run in snapshot.running])

    def check_end(self, snapshot: Snapshot) -> None:
        started: SyncEvent | None = None
        starts: dict[int, int] = {}
        for event in SyncEvent.objects.filter(kind__in=[Kind.RUN_STARTED, *ENDS]).order_by("pk"):
            if event.kind == Kind.RUN_STARTED:
                if started:
                    shown = [(each.run_id, each.at.isoformat(), each.facts) for each in (started, event)]
                    self.event_log.add_violation("overlap", "a run started before another had ended", events=shown)
                started = event
                starts[event.run_id or 0] = starts.get(event.run_id or 0, 0) + 1
            elif started and event.run_id == started.run_id:
                started = None
        for run in snapshot.runs.values():
            if run.is_finished and run.attempts != starts.get(run.pk, 0):
                self.event_log.add_violation(
                    "overlap", "attempts are not counted", run=run.pk, starts=starts.get(run.pk, 0)
                )


class NothingVanishes(Check):
    """What was asked for stays, ends once, and ends for good."""

    def __init__(self, system: System, administrators: list[Administrator]) -> None:
        super().__init__(system)
        self.administrators = administrators
        self.ended: dict[int, str] = {}
        self.known: set[int] = set()

    def look(self, snapshot: Snapshot) -> None:
        if gone := self.known - snapshot.runs.keys():
            self.event_log.add_violation("runs", "runs have vanished", runs=sorted(gone))
        self.known |= snapshot.runs.keys()
        for run in snapshot.runs.values():
            if self.ended.get(run.pk, run.status) != run.status:
                self.event_log.add_violation(
                    "runs", "a run ended twice", run=run.pk, ends=[self.ended[run.pk], run.status]
                )
            if run.is_finished:
                self.ended[run.pk] = run.status

    def check_end(self, snapshot: Snapshot) -> None:
        self.look(snapshot)
        for asked in set(chain(*(each.requested for each in self.administrators))):
            if asked not in snapshot.runs:
                self.event_log.add_violation("runs", "a run that was asked for does not exist", run=asked)
        for run in snapshot.running:
            self.event_log.add_violation("runs", "a run is still running at the end", run=run.pk, type=run.sync_type)


class DraftsAreKept(Check):
    """Every acknowledged draft is there, once, as it was sent; and none that nobody sent."""

    def __init__(self, system: System, agents: list[Agent]) -> None:
        super().__init__(system)
        self.agents = agents
        self.acknowledged: set[int] = set()

    def look(self, snapshot: Snapshot) -> None:
        """Of those that were acknowledged before the snapshot was taken."""
        if lost := self.acknowledged - snapshot.drafts:
            self.event_log.add_violation("drafts", "acknowledged drafts are lost", drafts=sorted(lost))
        self.acknowledged = {sent.draft_id for agent in self.agents for sent in list(agent.sent) if sent.draft_id}

    def check_end(self, snapshot: Snapshot) -> None:
        self.look(snapshot)
        self.look(snapshot)
        rows = list(Draft.objects.with_lines().select_related("user"))
        sent = {(each.user, each.key): each for agent in self.agents for each in agent.sent}
        for row in rows:
            was = sent.get((row.user.username, row.idempotency_key))
            if was is None or was.draft_id != row.pk:
                shown = {"draft": row.pk, "key": row.idempotency_key, "acknowledged": was and was.draft_id}
                self.event_log.add_violation("drafts", "a draft that nobody sent, or twice", **shown)
            elif (row.customer.erp_id, row.notes, read_lines(row)) not in map(
                read_wanted, filter(None, (was.body, was.change))
            ):
                self.event_log.add_violation("drafts", "a draft is not as it was sent", draft=row.pk, sent=was.body)


def read_lines(draft: Draft) -> list[tuple[str, str]]:
    return [(line.product.erp_id, f"{line.quantity.normalize():f}") for line in draft.lines.all()]


def read_wanted(body: dict[str, Any]) -> tuple[int, str, list[tuple[str, str]]]:
    return body["customer"], body["notes"], [(line["product"], line["quantity"]) for line in body["lines"]]


class MirrorIsWhole(Check):
    """A list changes with a run's success alone, and is then what the ERP showed at one moment, never an earlier."""

    def __init__(self, system: System, states: ErpStates) -> None:
        super().__init__(system)
        self.states = states
        self.seen: dict[str, tuple[int, int]] = {}  # of each list: its last success, its digest
        self.reached: dict[str, int] = {}  # the number of the ERP's version
        self.incomplete: dict[str, bool] = {}

    def look(self, snapshot: Snapshot) -> None:
        self.states.catch_up()
        for sync_type, shown in snapshot.lists.items():
            if not shown.success:
                continue
            now = (shown.success.pk, shown.digest)
            before = self.seen.get(sync_type, (0, 0))
            if before[0] == now[0] and before[1] != now[1]:
                self.event_log.add_violation("mirror", f"{sync_type} changed without a run's success", run=now[0])
            if before != now:
                self.judge(sync_type, shown, shown.success)
            self.seen[sync_type] = now

    def judge(self, sync_type: str, shown: MirroredList, run: SyncRun) -> None:
        self.note_incomplete(sync_type, run)
        found = self.states.found(sync_type, shown.digest)
        evidence = {"run": run.pk, "mode": run.mode, "versions": found, "reached": self.reached.get(sync_type, 0)}
        if self.incomplete[sync_type]:
            self.judge_values(sync_type, shown, evidence)
        elif not found:
            evidence |= self.nearest(sync_type, shown)
            self.event_log.add_violation("mirror", f"{sync_type} is no state of the ERP", **evidence)
        elif max(found) < self.reached.get(sync_type, 0):
            self.event_log.add_violation("mirror", f"{sync_type} went back in time", **evidence)
        elif not run.left and max(found) < (due := self.states.number_at(sync_type, to_seconds(run.exported_at))):
            self.event_log.add_violation("mirror", f"{sync_type} is older than it says", due=due, **evidence)
        else:
            self.reached[sync_type] = min(each for each in found if each >= self.reached.get(sync_type, 0))
        if run.mode == SyncRun.Mode.FULL and len(shown.records) != run.read:
            self.event_log.add_violation("mirror", f"{sync_type}: not as many records as were read", **evidence)

    def note_incomplete(self, sync_type: str, run: SyncRun) -> None:
        """Whether it need not be one state of the ERP: somebody accepted an export, columns were hidden."""
        hidden = [each for each in self.event_log.faults if "columns" in each.affects]
        exported = to_seconds(run.exported_at)
        is_hidden = any(each.began - 5 < exported and (not each.ended or exported < each.ended + 5) for each in hidden)
        if run.accepts_id or is_hidden or run.left:
            self.incomplete[sync_type] = True
        elif run.mode == SyncRun.Mode.FULL or sync_type not in self.incomplete:
            self.incomplete[sync_type] = False

    def judge_values(self, sync_type: str, shown: MirroredList, evidence: dict[str, Any]) -> None:
        """Each value is one that the ERP showed once, or none."""
        versions = self.states.versions[sync_type]
        for key, record in shown.records.items():
            known = [version.records[key] for version in versions if key in version.records]
            wrong = [name for name, value in record.items() if value and all(each[name] != value for each in known)]
            if wrong:
                evidence |= {"key": key, "fields": wrong}
                self.event_log.add_violation("mirror", f"{sync_type}: values that the ERP never showed", **evidence)

    def nearest(self, sync_type: str, shown: MirroredList) -> dict[str, Any]:
        """How it differs from the version that it resembles most."""
        differences = [
            find_differing_keys(shown.records, version.records) for version in self.states.versions[sync_type]
        ]
        number, keys = min(enumerate(differences), key=lambda each: len(each[1]))
        theirs = self.states.versions[sync_type][number].records
        example = {str(key): (shown.records.get(key), theirs.get(key)) for key in keys[:1]}
        return {"nearest version": number, "differing records": len(keys), "example": example}

    def check_end(self, snapshot: Snapshot) -> None:
        """Record for record."""
        self.states.catch_up()
        for sync_type, shown in snapshot.lists.items():
            theirs = self.states.versions[sync_type][-1].records
            if keys := find_differing_keys(shown.records, theirs):
                example = {str(key): (shown.records.get(key), theirs.get(key)) for key in keys[:1]}
                evidence = {"differing": len(keys), "example": example}
                self.event_log.add_violation("mirror", f"{sync_type} is not equal to the ERP at the end", **evidence)


def find_differing_keys(ours: dict[Any, Values], theirs: dict[Any, Values]) -> list[Any]:
    return [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]


class HistoryAgrees(Check):
    """All changes of a record, undone from the present, agree with it and leave nothing; replayed, they give it."""

    def check_end(self, snapshot: Snapshot) -> None:
        for service in list_services():
            rows = service.model.objects.values(*mirrored_fields(service.model), "missing_since", "removed_at")
            present = {str(row[service.layout.key]): row for row in rows}
            changes: dict[str, list[RecordChange]] = {}
            for change in RecordChange.objects.filter(sync_type=service.sync_type).order_by("pk"):
                changes.setdefault(change.key, []).append(change)
            for key in present.keys() | changes.keys():
                if why := find_disagreement(service, present.get(key), changes.get(key, [])):
                    self.event_log.add_violation(
                        "history", f"{service.sync_type}: {why}", key=key, record=present.get(key)
                    )


def find_disagreement(service: SyncService, record: Values | None, changes: list[RecordChange]) -> str:
    """What does not fit, if anything. The changes come oldest first."""
    if record is None:
        return "changes of a record that does not exist"
    if not changes or changes[0].kind != Kinds.CREATED or any(each.kind == Kinds.CREATED for each in changes[1:]):
        return "not created once, at first"
    values = {name: value for name, value in record.items() if name not in ("missing_since", "removed_at")}
    undone, replayed = dict(values), {name: get_blank(service, name) for name in values}
    for change in reversed(changes):
        for name, (old, new) in change.fields.items():
            if not is_same(service, name, undone[name], new):
                return f"{change.kind} says that {name} became what it was not"
            undone[name] = old
    for change in changes:
        replayed |= {name: new for name, (_, new) in change.fields.items()}
    wrong = [name for name, value in values.items() if not is_same(service, name, value, replayed[name])]
    if wrong:
        return f"replayed from nothing, other values of {', '.join(wrong)}"
    is_absent = (record["missing_since"] is not None, record["removed_at"] is not None)
    said = Kinds(changes[-1].kind)
    expected = {Kinds.MISSING: (True, False), Kinds.REMOVED: (True, True)}.get(said, (False, False))
    return "" if is_absent == expected else f"{said} at last, and that is not how it is"


def get_blank(service: SyncService, name: str) -> Any:
    """What a column is that was hidden when its record was created."""
    return service.model._meta.get_field(name).get_default()  # type: ignore[union-attr]


def is_same(service: SyncService, name: str, value: Any, recorded: Any) -> bool:
    """Whether two values are the same, of which either may have gone through JSON."""
    python = service.model._meta.get_field(name).to_python  # type: ignore[union-attr]
    return bool(python(value) == python(recorded))


class WorkIsDone(Check):
    """What waits is carried out while a worker is fit, and no run lasts for ever."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.idle_since = 0.0

    def look(self, snapshot: Snapshot) -> None:
        for run in snapshot.running:
            if snapshot.at > to_seconds(run.started_at) + LONGEST_RUN:
                evidence = {"run": run.pk, "type": run.sync_type, "stage": run.stage, "lock": snapshot.lock.holder}
                self.event_log.add_violation("work", f"a run lasts for more than {LONGEST_RUN} s", **evidence)
        fit = [worker.name for worker in self.system.workers if worker.is_fit]
        if not fit or snapshot.running or not snapshot.waiting:
            self.idle_since = snapshot.at
        elif snapshot.at > self.idle_since + NOTHING_DONE_FOR:
            waiting = [(run.pk, run.sync_type, run.mode) for run in snapshot.waiting]
            evidence = {"workers": fit, "waiting": waiting, "lock": snapshot.lock.holder}
            self.event_log.add_violation(
                "work", f"nothing is done for {NOTHING_DONE_FOR} s, and a worker is fit", **evidence
            )
            self.idle_since = snapshot.at


class WebAnswers(Check):
    """/healthz answers within seconds, unless the web server itself has a fault."""

    def look(self, snapshot: Snapshot) -> None:
        was_fit = self.system.web.is_fit
        http = HTTPConnection("127.0.0.1", self.system.web_port, timeout=5)
        try:
            http.request("GET", "/healthz")
            if http.getresponse().status == 200:
                return
            said = "another status than 200"
        except (OSError, HTTPException) as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            http.close()
        if was_fit and self.system.web.is_fit:
            self.event_log.add_violation("web", "/healthz does not answer", said=said)


class AlertsArrive(Check):
    """What changes whether a list can be trusted is told by mail and by webhook, given up, or soon tried again."""

    def check_end(self, snapshot: Snapshot) -> None:
        deadline = time() + SENT_WITHIN
        while Alert.objects.due().exists() and time() < deadline:
            sleep(1)
        for event in SyncEvent.objects.filter(kind__in=[Kind.HEALTH_CHANGED, Kind.WORKERS_CHANGED]):
            channels = {alert.channel for alert in event.alerts.all()}
            is_trusted = {event.facts["before"], event.facts["after"]} <= set(TRUSTED)
            if channels != (set() if is_trusted else set(Alert.Channel.values)):
                self.event_log.add_violation(
                    "alerts", "a change of state is told to others than it should be", event=event.pk, told=channels
                )
        posted = {each.get("id") for each in self.system.webhook.posted}
        mails = "".join(self.system.mail_server.mails)
        for alert in Alert.objects.select_related("event"):
            self.judge(alert, has_arrived=alert.event_id in posted if alert.channel == "web" else is_in(mails, alert))

    def judge(self, alert: Alert, *, has_arrived: bool) -> None:
        evidence = {"alert": alert.pk, "channel": alert.channel, "attempts": alert.attempts, "error": alert.error}
        if alert.delivered_at and not has_arrived:
            self.event_log.add_violation("alerts", "an alert is said to be delivered, and is not", **evidence)
        elif alert.given_up_at and not SyncEvent.objects.filter(kind=Kind.ALERT_GIVEN_UP).exists():
            self.event_log.add_violation("alerts", "an alert was given up without a trace", **evidence)
        elif not (alert.delivered_at or alert.given_up_at or alert.next_attempt_at):
            self.event_log.add_violation("alerts", "an alert is forgotten", **evidence)
        elif alert.next_attempt_at and to_seconds(alert.next_attempt_at) < time() - SENT_WITHIN:
            self.event_log.add_violation("alerts", "an alert is due, and nobody sends it", **evidence)
        elif alert.next_attempt_at:
            self.event_log.count("alerts that wait to be tried again")


def is_in(mails: str, alert: Alert) -> bool:
    return f"<alert-{alert.pk}-" in mails
