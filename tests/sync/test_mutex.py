"""Who has the lock, and for how long, whatever processes, clocks and transactions do."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models.functions import Now
from django.utils import timezone

from sync.coordinator.mutex import acquire, fenced
from sync.models import SyncLock
from sync.models.orchestration import SyncLockQuerySet

pytestmark = pytest.mark.django_db


@pytest.fixture
def lease():
    return acquire()


def test_of_two_processes_that_see_the_lock_free_one_takes_it(monkeypatch):
    look = SyncLockQuerySet.first

    def look_and_be_overtaken(locks):
        free = look(locks)
        monkeypatch.undo()
        assert acquire() is not None
        return free

    monkeypatch.setattr(SyncLockQuerySet, "first", look_and_be_overtaken)
    assert acquire() is None


def test_a_process_whose_clock_is_ahead_takes_no_lock_that_is_held(lease):
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert acquire() is None


def test_a_process_whose_clock_is_behind_renews_for_a_whole_lease(lease):
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        lease.renew()
        assert not SyncLock.objects.free().exists()


def test_after_a_transaction_that_took_longer_than_the_lease_the_lock_is_still_ours(lease):
    with fenced(lease):
        SyncLock.objects.update(leased_until=Now() - timedelta(seconds=1))
    assert not SyncLock.objects.free().exists()
