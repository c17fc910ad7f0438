"""What must hold at every rest of simulated days, and the report of each day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from demo.erp.server import DemoServer
from sync.coordinator import schedules
from sync.models import ErpDay, SyncEvent, SyncRun
from sync.monitoring import diagnosis, health
from sync.monitoring.problems import Kind, Problem
from sync.monitoring.status import State, SyncStatus, TypeHealth
from sync.service import SyncService, list_services
from tests.days.plan import ROME, Plan, What, find_moment
from tests.sync.demo import Values, by_key, in_the_erp, mirrored_fields

NAMED_WITHIN = timedelta(minutes=15)  # of an outage within the hours: orders come every 10 minutes, and take their time
RIGHT_AGAIN_WITHIN = schedules.LONGEST_INTERVAL + timedelta(minutes=15)  # after an outage: of a list that kept failing
# Fields by list whose columns the updated ERP shows under no name of theirs: the mirror keeps what it knew, or nothing.
MISLABELLED = {"products": ("erp_modified_at",)}
LONGEST_EXPORT = timedelta(minutes=1)  # from the look before an export to its end
NAMES_OUTAGE = (Kind.RETRYING, Kind.FAILING)  # with the run's error
Status = SyncRun.Status


@dataclass(frozen=True)
class Version:
    """A list of the ERP between two changes of it."""

    since: datetime
    records: dict[Any, Values]


class Versions:
    """All versions of each of the ERP's lists so far."""

    def __init__(self, server: DemoServer) -> None:
        self.erp = server.erp
        self.of: dict[str, list[Version]] = {service.sync_type: [] for service in list_services()}
        self.record()

    def record(self) -> None:
        """Write down the lists that have just changed."""
        for service in list_services():
            records = by_key(service, in_the_erp(self.erp, service))
            versions = self.of[service.sync_type]
            if not versions or versions[-1].records != records:
                versions.append(Version(timezone.now(), records))

    def find(self, sync_type: str, since: datetime, until: datetime) -> list[Version]:
        """Those that were so at any moment of a time."""
        versions = self.of[sync_type]
        ends = [version.since for version in versions[1:]] + [datetime.max.replace(tzinfo=ROME)]
        return [version for version, end in zip(versions, ends, strict=True) if version.since <= until and end > since]


@dataclass
class Trouble:
    """A time in which the ERP cannot be used, and what the product said of it."""

    what: What
    began: datetime
    ended: datetime | None = None  # while it lasts
    named_at: datetime | None = None
    right_again_at: datetime | None = None
    sentences: Counter[str] = field(default_factory=Counter)


class Checks:
    """Looks at every rest; what should not be is printed at once, and counted."""

    def __init__(self, server: DemoServer, plan: Plan, first_day: date) -> None:
        self.server = server
        self.plan = plan
        self.versions = Versions(server)
        self.violations: dict[tuple[str, str], int] = {}
        self.troubles: list[Trouble] = []
        self.first_day = self.day = first_day
        self.began = time.monotonic()
        self.looked_at = timezone.now()
        self.outside: Counter[str] = Counter()  # requests outside the hours so far, by the demo ERP's hour
        self.forced: Counter[date] = Counter()  # those of forced runs
        self.unfinished: Counter[date] = Counter()  # those of runs that had begun within the hours
        self.status = health.get_status()  # at the last rest

    def add_violation(self, check: str, what: str, **evidence: Any) -> None:
        """The same is counted; its first evidence is printed."""
        known = self.violations.get((check, what), 0)
        self.violations[check, what] = known + 1
        if not known:
            at = timezone.localtime(timezone.now(), ROME)
            shown = ", ".join(f"{name}: {value}" for name, value in evidence.items())
            print(f"{at:%a %d.%m. %H:%M:%S}  VIOLATION  {check}: {what} ({shown})", flush=True)

    def look(self) -> None:
        """At a rest: nothing runs."""
        today = timezone.localdate(timezone.now(), ROME)
        while self.day < today:
            self.end_day()
        self.status = health.get_status()
        self.note_troubles(self.status)
        self.check_freshness(self.status.types)
        self.check_hours()
        for service in list_services():
            self.check_mirror(service)

    def check_time_since_last_look(self) -> None:
        """Before anything happens at the next moment: in the meantime lists have only become older."""
        self.check_freshness([replace(each, at=timezone.now()) for each in self.status.types])

    # The mirror

    def check_mirror(self, service: SyncService) -> None:
        """Each row is as the ERP showed it at the time of which the list says that it is fresh, or later.

        A look tells nothing of a list whose changes are not dated but which keys it has: of that, rows are as old as
        the last export, which looks count for so long only.
        """
        runs = SyncRun.objects.succeeded().for_type(service.sync_type).order_by("-finished_at", "-pk")
        success, export, last = runs.about_whole_list().first(), runs.from_exports().first(), runs.first()
        if not (success and success.exported_at and export and export.exported_at and last and last.finished_at):
            return
        evidence = {"list": service.sync_type, "run": success.pk}
        if success.exported_at - export.exported_at > service.looks_count_for + LONGEST_EXPORT:
            self.add_violation("mirror", "looks took the place of exports for too long", export=export.pk, **evidence)
        since = success.exported_at if service.erp_list.modified else export.exported_at
        versions = self.versions.find(service.sync_type, since, last.finished_at)
        rows = by_key(service, list(service.model.objects.present().values(*mirrored_fields(service.model))))
        missing = service.model.objects.present().exclude(missing_since=None)
        if gone := versions[0].records.keys() - rows.keys():
            self.add_violation("mirror", "records are gone that are there", keys=sorted(gone)[:3], **evidence)
        if wrongly := {getattr(row, service.layout.key) for row in missing} & versions[-1].records.keys():
            self.add_violation("mirror", "records are counted as absent", keys=sorted(wrongly)[:3], **evidence)
        unknown = MISLABELLED.get(service.sync_type, ()) if self.server.front_end.release.is_new else ()
        for key, row in rows.items():
            kept = {name: row[name] for name in unknown}
            known = [version.records[key] | kept for version in versions if key in version.records]
            if row not in known:
                wrong = [name for name, value in row.items() if not any(each[name] == value for each in known)]
                shown = {name: (row[name], [each[name] for each in known][-1:]) for name in wrong}
                self.add_violation("mirror", "a row is not as the ERP showed it", key=key, fields=shown, **evidence)

    # What is asked of the ERP

    def check_hours(self) -> None:
        """Requests outside the hours are those of a run that began within them, or was forced."""
        hours = settings.ERP_HOURS
        started = SyncEvent.objects.filter(kind=SyncEvent.Kind.RUN_STARTED, at__gte=self.looked_at)
        for hour, count in self.server.front_end.requests_by_hour.items():
            at = datetime.fromisoformat(f"{hour}:00:00").replace(tzinfo=ROME)
            new = count - self.outside[hour]
            if hours.is_open(at) or not new:
                continue
            self.outside[hour] = count
            if any(event.run and event.run.ignores_hours for event in started):
                self.forced[at.date()] += new
            elif any(hours.is_open(event.at) for event in started):
                self.unfinished[at.date()] += new
            else:
                self.add_violation("hours", "requests outside the hours", hour=hour, count=new)
        self.looked_at = timezone.now()

    def end_day(self) -> None:
        """Judge a day by what the demo ERP has counted, and report it."""
        front_end, day = self.server.front_end, self.day
        logins = front_end.logins[day.isoformat()]
        count, exports = logins.total(), front_end.exports_by_day[day.isoformat()]
        if count > settings.ERP_LOGINS_A_DAY:
            self.add_violation("allowance", "too many logins on a day", day=day, count=count)
        if exports > settings.ERP_EXPORTS_A_DAY:
            self.add_violation("allowance", "too many exports on a day", day=day, count=exports)
        asked = ErpDay.objects.filter(day=day).first() or ErpDay()
        if (asked.logins, asked.exports) < (count, exports):
            self.add_violation("allowance", "more was asked than was counted", day=day, logins=count, exports=exports)
        begins = datetime.combine(day, datetime.min.time(), ROME)
        runs = list(SyncRun.objects.filter(finished_at__gte=begins, finished_at__lt=begins + timedelta(days=1)))
        outcomes = Counter(describe_outcome(run) for run in runs)
        retried = SyncEvent.objects.filter(
            kind=SyncEvent.Kind.RUN_TO_BE_RETRIED, at__gte=begins, at__lt=begins + timedelta(days=1)
        ).count()
        shown = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
        special = f"  [{self.plan.special[day]}]" if day in self.plan.special else ""
        print(
            f"{day:%a %d.%m.}  logins {count:2}  exports {exports:3}  looks {asked.looks:3}  "
            f"outside the hours {self.forced[day]} forced, {self.unfinished[day]} of runs begun before  "
            f"runs: {shown or 'none'}; {retried} attempts retried{special}  ({time.monotonic() - self.began:.0f} s)",
            flush=True,
        )
        self.day += timedelta(days=1)

    # What is said of it

    def begin_trouble(self, what: What) -> None:
        self.troubles.append(Trouble(what, timezone.now()))

    def end_trouble(self) -> None:
        self.troubles[-1].ended = timezone.now()

    def note_troubles(self, status: SyncStatus) -> None:
        """Whether each time of trouble is named, with what to do, and passes."""
        for trouble in self.troubles:
            if trouble.ended is None:
                for sentence in name_trouble(trouble, diagnosis.find_problems(status)):
                    trouble.sentences[sentence] += 1
                    trouble.named_at = trouble.named_at or status.at
            elif trouble.right_again_at is None:
                if all(each.state in (State.HEALTHY, State.PAUSED) for each in status.types):
                    trouble.right_again_at = status.at
                elif status.at > self.add_open_time(trouble.ended, RIGHT_AGAIN_WITHIN):
                    states = {each.sync_type: str(each.state) for each in status.types}
                    self.add_violation("trouble", "lists are not right again", since=trouble.ended, states=states)
            is_due = trouble.named_at is None and trouble.ended is None
            if is_due and status.at > self.add_open_time(trouble.began, NAMED_WITHIN):
                self.add_violation("trouble", f"{trouble.what} is not named", began=trouble.began)

    def add_open_time(self, since: datetime, duration: timedelta) -> datetime:
        moment: datetime = settings.ERP_HOURS.add_open_time(since, duration)
        return moment

    def check_freshness(self, types: list[TypeHealth]) -> None:
        """Outside of trouble no list is late, or in any other way not to be trusted; at first none is mirrored."""
        if any(trouble.right_again_at is None for trouble in self.troubles):
            return
        first = self.add_open_time(min(version.since for version in self.versions.of["orders"]), timedelta(hours=1))
        for each in types:
            if not each.is_trusted and not (each.state == State.NEVER and each.at < first):
                self.add_violation(
                    "freshness",
                    f"a list is {each.state}",
                    list=each.sync_type,
                    fresh=each.fresh_as_of,
                    error=each.error,
                )

    def report_end(self) -> None:
        """What is left to be judged, and all that was found."""
        if timezone.now() > find_moment(self.day, datetime.min.time()):
            self.end_day()
        wrong = sum(logins["failed"] for logins in self.server.front_end.logins.values())
        if wrong != sum(trouble.what == What.PASSWORD for trouble in self.troubles):
            self.add_violation("password", "a wrong password was not sent once", count=wrong)
        for trouble in self.troubles:
            named = trouble.named_at - trouble.began if trouble.named_at else "never"
            right = trouble.right_again_at - trouble.ended if trouble.right_again_at and trouble.ended else "never"
            began = timezone.localtime(trouble.began, ROME)
            print(f"{trouble.what} from {began:%a %d.%m. %H:%M}: named after {named}, all lists right {right} after it")
            for sentence, count in trouble.sentences.most_common(4):
                print(f"    {count:3} x {sentence}")
        print(f"requests that overlapped another one of their session: {self.server.front_end.overlaps}")
        for (check, what), count in self.violations.items():
            print(f"VIOLATION  {check}: {what}, {count} times")
        days, seconds = (self.day - self.first_day).days, time.monotonic() - self.began
        print(f"{days} days in {seconds:.0f} s, violations: {len(self.violations)}")


def describe_outcome(run: SyncRun) -> str:
    how = "by look" if run.read_from == SyncRun.Source.LOOK else "by export"
    kind = "smart " if run.mode == SyncRun.Mode.SMART else ""
    return f"{kind}{run.status} {how}" if run.status == Status.SUCCEEDED else f"{kind}{run.status}"


def name_trouble(trouble: Trouble, problems: list[Problem]) -> Iterator[str]:
    """What is said of it that names what is wrong and what to do, or what comes by itself."""
    kinds = (Kind.LOGIN_REJECTED,) if trouble.what == What.PASSWORD else NAMES_OUTAGE
    for problem in problems:
        says = problem.facts.get("error") or problem.facts.get("username")
        if problem.kind in kinds and says and problem.action.label:
            yield f"{problem.kind}: {says}"
