"""The history holds what the mirror does: carried out it gives the mirror, taken back it leaves nothing."""

from collections import defaultdict
from random import Random
from typing import Any

import pytest

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.lists import find_list
from sync.models import RecordChange, SyncRun
from sync.service import get_service, list_services, list_smart_types
from tests.sync.demo import TODAY, mirrored_fields, run_sync

Kind = RecordChange.Kind
SYNCS = 60


class LosingErp(DemoErp):
    """A demo ERP that may have lost some of its records: `lost` has their places, by list."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lost = defaultdict(set)

    def find_records(self, name, **options):
        records = super().find_records(name, **options)
        lost = self.lost[find_list(name).sync_type]
        return (record for place, record in enumerate(records) if place not in lost)


@pytest.fixture
def living_mirror(db, demo_server):
    """Each sync finds an ERP in which something has happened: changes, losses, returns, hidden columns."""
    erp = demo_server.erp = LosingErp(scale=0, today=TODAY)
    rng = Random(14)
    types = [service.sync_type for service in list_services()]
    for number in range(SYNCS):
        sync_type = types[number % len(types)]
        erp.happen()
        if number % 4 == 1:
            erp.lost[rng.choice(types)].add(rng.randrange(5))
        if number % 9 == 5:
            erp.lost[rng.choice(types)].clear()
        if number % 5 == 0 and sync_type != "products":  # of which the client shows the columns that are hidden
            demo_server.front_end.plan_fault(PlannedFault(Fault.HIDDEN_COLUMN, sync_type=sync_type, times=1))
        mode = "smart" if sync_type in list_smart_types() and number % 4 == 3 else rng.choice(["full", "full", "auto"])
        run = run_sync(sync_type, mode=mode)
        assert (run.status, run.error_text) == (SyncRun.Status.SUCCEEDED, "")
    assert set(RecordChange.objects.values_list("kind", flat=True)) == set(Kind)


def fields_of(sync_type):
    model = get_service(sync_type).model
    return {name: model._meta.get_field(name) for name in mirrored_fields(model)}


def values_of(change):
    """Each changed field's old and new value, as the model has them."""
    fields = fields_of(change.sync_type)
    return {name: [fields[name].to_python(value) for value in pair] for name, pair in change.fields.items()}


def mirror():
    """Every record's values and presence, by list and key."""
    rows = {}
    for service in list_services():
        for row in service.model.objects.all():
            values = {name: getattr(row, name) for name in fields_of(service.sync_type)}
            presence = "removed" if row.removed_at else "missing" if row.missing_since else "present"
            rows[service.sync_type, str(getattr(row, service.layout.key))] = values | {"presence": presence}
    return rows


def carry_out(rows, change):
    new = {name: value for name, (_old, value) in values_of(change).items()}
    if change.kind == Kind.CREATED:
        assert (change.sync_type, change.key) not in rows
        rows[change.sync_type, change.key] = {
            name: field.get_default() for name, field in fields_of(change.sync_type).items()
        }
    presence = {Kind.MISSING: "missing", Kind.REMOVED: "removed"}.get(change.kind, "present")
    rows[change.sync_type, change.key] |= new | {"presence": presence}


BEFORE = {  # a change: what the record may be after it and before it
    Kind.CREATED: ({"present"}, set()),
    Kind.UPDATED: ({"present"}, {"present"}),
    Kind.MISSING: ({"missing"}, {"present"}),
    Kind.REMOVED: ({"removed"}, {"missing"}),
    Kind.RESTORED: ({"present"}, {"missing", "removed"}),
}


def take_back(rows, change):
    """Raises an AssertionError if the record is not as the change left it."""
    row = rows[change.sync_type, change.key]
    after, before = BEFORE[Kind(change.kind)]
    assert row["presence"] & after
    row["presence"] = before
    for name, (old, new) in values_of(change).items():
        assert row[name] == new
        row[name] = old
    if change.kind == Kind.CREATED:
        del rows[change.sync_type, change.key]


def test_the_history_carried_out_gives_the_mirror_and_taken_back_leaves_nothing(living_mirror):
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for change in RecordChange.objects.order_by("pk"):
        carry_out(rows, change)
    assert rows == mirror()

    rows = {key: row | {"presence": {row["presence"]}} for key, row in rows.items()}
    for change in RecordChange.objects.order_by("-pk"):
        take_back(rows, change)
    assert rows == {}
