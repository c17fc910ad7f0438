"""The admin's pages over a long history: each within the bound, and beside the same with a short one.

A million runs that made five million changes on PostgreSQL (DATABASE_URL), a tenth of them on SQLite, against a
thousand. A page is a whole request of a superuser, through the middleware and the templates.
"""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import Any
from urllib.parse import urlencode

import _measure

_measure.use_scratch(SECURE_SSL_REDIRECT="False")

import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from sync.admin.change_list import KeyPaginator
from sync.models import RecordChange, SyncRun

ON_POSTGRESQL = connection.vendor == "postgresql"
FEW, MANY = 1_000, _measure.scale(1_000_000 if ON_POSTGRESQL else 100_000)  # runs
CHANGES = 5  # of each run
BOUND = 200  # milliseconds
TIMES = _measure.scale(9)  # that each page is asked for; the median counts

# The history: its n-th run, the oldest first, one every 63 seconds as all schedules and order forms make them; and
# its n-th change, a run's five after one another.
AGE = "(({total} - n) * 63 + 60)"  # seconds
MOMENT = (
    f"now() - {AGE} * interval '1 second'"
    if ON_POSTGRESQL
    else f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || {AGE} || ' seconds')"
)
SYNC_TYPE = (
    "CASE {n} % 6 WHEN 0 THEN 'orders' WHEN 1 THEN 'customers' WHEN 2 THEN 'ddt'"
    " WHEN 3 THEN 'invoices' WHEN 4 THEN 'prices' ELSE 'products' END"
)
SMART, FAILED, QUARANTINED = "(n % 6 = 1 AND n % 5 < 2)", "(n % 33 = 0)", "(n % 1000 = 7)"
NO_EXPORT = (
    """'{{"message": "The ERP did not provide an export: {{reason}}. Try again in a minute.", "facts": {{"reason": """
    """{{"message": "it sent nothing for {{seconds}} s", "facts": {{"seconds": ' || n || '}}}}}}}}'"""
)
MISSING = (
    """'{{"message": "The export lacks {{missing}} of the {{mirrored}} mirrored records.", """
    """"facts": {{"missing": ' || n || ', "mirrored": 5000}}}}'"""
)
RUNS = dict.fromkeys(("requested_at", "started_at", "finished_at", "exported_at"), MOMENT) | {
    "sync_type": SYNC_TYPE.format(n="n"),
    "mode": f"CASE WHEN {SMART} THEN 'smart' WHEN n % 37 < 2 THEN 'full' ELSE 'incremental' END",
    "trigger": f"CASE WHEN {SMART} THEN 'order_form' WHEN n % 41 = 3 THEN 'admin' ELSE 'schedule' END",
    "requested_by_id": f"CASE WHEN {SMART} THEN {{agent}} WHEN n % 41 = 3 THEN {{admin}} END",
    "status": f"CASE WHEN {FAILED} THEN 'failed' WHEN {QUARANTINED} THEN 'quarantined'"
    " WHEN n % 101 = 0 THEN 'cancelled' ELSE 'succeeded' END",
    "error_class": f"CASE WHEN {FAILED} THEN 'ErpUnavailable' WHEN {QUARANTINED} THEN 'TooManyMissing' ELSE '' END",
    "error_text": f"CAST(CASE WHEN {FAILED} THEN {NO_EXPORT} WHEN {QUARANTINED} THEN {MISSING} ELSE '\"\"' END"
    f" AS {'jsonb' if ON_POSTGRESQL else 'text'})",
}
DELETED_FIRST = (RecordChange, SyncRun)


def make_history(total: int, people: dict[str, int]) -> None:
    """Nothing but so many ended runs and their changes."""
    for model in DELETED_FIRST:
        model._base_manager.all()._raw_delete("default")
    totals = [{"column": "", "function": "Count", "stated": "5000", "found": "5000", "differenceAllowed": "0"}]
    run = SyncRun.objects.create(
        sync_type="", trigger="schedule", priority=1, attempts=1, read=5000, updated=CHANGES, control_totals=totals
    )
    values = {name: sql.format(total=total, **people) for name, sql in RUNS.items()}
    insert(run, total, values)
    change = RecordChange.objects.create(run=run, key="", kind="updated", fields={"city": ["Roma", "Milano"]})
    of_run = f"(n - 1) / {CHANGES} + 1"
    values = {"run_id": f"{run.pk} + {of_run}", "sync_type": SYNC_TYPE.format(n=f"({of_run})")}
    insert(change, total * CHANGES, values | {"key": "CAST(n % 9973 AS text)"})
    run.delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if ON_POSTGRESQL else "ANALYZE")


def insert(like: SyncRun | RecordChange, total: int, values: dict[str, str]) -> None:
    """So many rows like this one, but for these values, in SQL."""
    table = like._meta.db_table
    columns = [field.attname for field in like._meta.concrete_fields if not field.primary_key]
    quoted = {column: connection.ops.quote_name(column) for column in columns}
    chosen = [values.get(column, f"model.{quoted[column]}") for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, {', '.join(quoted.values())})"
            f" WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {total})"
            f" SELECT {like.pk} + n, {', '.join(chosen)} FROM series, {table} model"
            f" WHERE model.id = {like.pk} ORDER BY n"
        )
        if ON_POSTGRESQL:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")


# Pages


def pages(admin: User) -> dict[str, str]:
    """Each page that is measured, with its address."""
    return {
        "front page": reverse("admin:index"),
        "runs: the last page": runs(p=min(SyncRun.objects.count(), KeyPaginator.limit) // 50),
        **{f"runs: {what}": runs(**query) for what, query in NARROWED.items()},
        "runs: of the last 24 hours": runs(requested_at__gte=(timezone.now() - timedelta(days=1)).isoformat()),
        "runs: of 30 days, none": runs(
            requested_at__gte=(timezone.now() - timedelta(days=30)).isoformat(), sync_type="orders", mode__exact="smart"
        ),
        "runs: asked by somebody": runs(requested_by=admin.pk),
        "runs: search for somebody": runs(q=admin.username),
        "runs: search for a number": runs(q=SyncRun.objects.latest("pk").pk),
        "changes": reverse("admin:sync_recordchange_changelist"),
        "changes of a run": address("sync_recordchange", run=SyncRun.objects.latest("pk").pk),
        "changes of a record": address("sync_recordchange", sync_type="customers", key="1001"),
        "a run": reverse("admin:sync_syncrun_change", args=[SyncRun.objects.latest("pk").pk]),
        "a record, with its history": reverse("admin:customers_customer_change", args=[Customer.objects.get().pk]),
    }


NARROWED: dict[str, dict[str, str]] = {
    "all": {},
    "of one type": {"sync_type": "orders"},
    "succeeded": {"status__exact": "succeeded"},
    "failed": {"status__exact": "failed"},
    "in quarantine": {"status__exact": "quarantined"},
    "running, none": {"status__exact": "running"},
    "full": {"mode__exact": "full"},
    "smart": {"mode__exact": "smart"},
    "tried again, none": {"trigger__exact": "retry"},
    "by nobody": {"requested_by": "nobody"},
    "smart ones of orders, none": {"sync_type": "orders", "mode__exact": "smart"},
    "smart ones by nobody, none": {"mode__exact": "smart", "requested_by": "nobody"},
    "prices by order forms, none": {"sync_type": "prices", "trigger__exact": "order_form"},
    "succeeded, prices, order forms, none": {
        "status__exact": "succeeded",
        "sync_type": "prices",
        "trigger__exact": "order_form",
    },
    "search for frequent words": {"q": "not answer"},
    "search for rare words": {"q": "of 5000 records"},
    "search for words of no error": {"q": "qz"},
    "search for words of no error, failed": {"q": "qz", "status__exact": "failed"},
}


def runs(**query: Any) -> str:
    return address("sync_syncrun", **query)


def address(model: str, **query: Any) -> str:
    return reverse(f"admin:{model}_changelist") + ("?" + urlencode(query) if query else "")


def measure(client: Client, admin: User) -> dict[str, float]:
    """Milliseconds for each page."""
    return {what: typical(client, page) for what, page in pages(admin).items()}


def typical(client: Client, page: str) -> float:
    def once() -> None:
        assert client.get(page).status_code == 200, page

    once()
    return median(_measure.time_once(once) for _ in range(TIMES)) * 1000


def main() -> None:
    print(f"The admin's pages, {_measure.make_tables()}, {_measure.find_processor()}")
    settings.ALLOWED_HOSTS = ["testserver"]
    now = timezone.now()
    Customer.objects.create(erp_id=1001, name="Studio", created_at=now, changed_at=now)
    admin = User.objects.create_superuser("capo")
    people = {"admin": admin.pk, "agent": User.objects.create_user("agente").pk}
    client = Client()
    client.force_login(admin)
    make_history(FEW, people)
    few = measure(client, admin)
    make_history(MANY, people)
    print(f"  With {MANY:,} runs and {MANY * CHANGES:,} changes: time; times as long as with {FEW:,} runs")
    for what, duration in measure(client, admin).items():
        _measure.show(what, f"{duration:.0f} ms", bound=f"under {BOUND} ms   {duration / few[what]:.1f}")


if __name__ == "__main__":
    main()
