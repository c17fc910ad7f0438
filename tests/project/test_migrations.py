"""Databases that were made before the first release, when each app had several migrations."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from sync.management.database import check_migrated

pytestmark = pytest.mark.django_db(transaction=True)

EARLIER = {("sync", "0002_coordination"), ("orders", "0003_drafts"), ("customers", "0002_search")}
LATER = {("sync", "0002_of_a_later_version")}


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


def test_a_database_from_before_the_first_release_is_told_what_to_do(record):
    check_migrated()
    record(EARLIER)
    for check in (check_migrated, lambda: call_command("migrate", verbosity=0)):
        with pytest.raises(CommandError, match=r"made by a version before the first release.* Begin with a new one"):
            check()


def test_a_database_that_a_later_version_has_migrated_is_no_earlier_one(record):
    record(LATER)
    check_migrated()
