"""Databases that were made before the first release, when each app had several migrations."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from sync.management.database import LAST_BEFORE_RELEASE, check_migrated

pytestmark = pytest.mark.django_db(transaction=True)

EARLIER = {("sync", "0002_coordination"), ("orders", "0003_drafts"), ("customers", "0002_search")}


@pytest.fixture
def record():
    """Write into the database that these migrations were applied."""
    recorder = MigrationRecorder(connection)
    before = recorder.applied_migrations().keys()

    def write(migrations):
        for each in migrations:
            recorder.record_applied(*each)

    yield write
    for each in recorder.applied_migrations().keys() - before:
        recorder.record_unapplied(*each)


def test_a_database_with_all_early_migrations_is_taken_over_by_migrate(record):
    before = MigrationRecorder(connection).applied_migrations().keys()
    record(EARLIER | LAST_BEFORE_RELEASE)
    with pytest.raises(CommandError, match=r"Run manage\.py migrate first"):
        check_migrated()
    call_command("migrate", verbosity=0)
    check_migrated()
    assert MigrationRecorder(connection).applied_migrations().keys() == before


def test_a_database_that_lacks_early_migrations_is_told_what_to_do(record):
    record(EARLIER)
    with pytest.raises(CommandError, match="made by a version before the first release"):
        call_command("migrate", verbosity=0)
    with pytest.raises(CommandError, match=r"Run manage\.py migrate first"):
        check_migrated()
