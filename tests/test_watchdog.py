"""What a watchdog concludes from the signs of life of a worker's processes, and what they do when it is gone."""

import os
import signal
import socket
import time
from datetime import timedelta

import pytest

from sync.coordinator import heartbeats
from sync.coordinator.heartbeats import Line, Sign
from sync.management.supervisor import Child, Supervisor
from sync.management.watchdog import Cluster, Pulse


@pytest.fixture(autouse=True)
def times(settings):
    settings.SYNC_LEASE = timedelta(seconds=30)  # a probe each 10 s
    settings.WORKER_HANGS_AFTER = timedelta(seconds=45)


@pytest.fixture
def pulse():
    """Of a cluster that has just started."""
    pulse = Pulse()
    pulse.note(Sign.GUARD)
    return pulse


def let_pass(pulse, seconds, *signs):
    """Time, second by second, each with these signs."""
    for _ in range(seconds):
        pulse.now += 1
        for sign in signs:
            pulse.note(sign)


ALWAYS = (Sign.GUARD, Sign.PUSHER)
PROBE = (Sign.WORKER_BEGINS, Sign.WORKER_ENDS, Sign.MONITOR)


def probed(pulse, *, times, of=PROBE):
    for _ in range(times):
        let_pass(pulse, 9, *ALWAYS)
        let_pass(pulse, 1, *ALWAYS, *of)


def test_a_worker_that_has_nothing_to_do_is_well(pulse):
    probed(pulse, times=100)
    assert pulse.find_fault() == ""
    assert pulse.has_worked


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        ((Sign.PUSHER, *PROBE), "hangs (its guard has been silent for 46 s)"),
        ((Sign.GUARD,), "hangs (its pusher has been silent for 46 s)"),
    ],
)
def test_a_guard_or_a_pusher_that_falls_silent_hangs(pulse, heard, fault):
    let_pass(pulse, 45, *heard)
    assert pulse.find_fault() == ""
    let_pass(pulse, 1, *heard)
    assert pulse.find_fault() == fault


def test_a_worker_process_that_takes_no_task_hangs(pulse):
    let_pass(pulse, 55, *ALWAYS)
    assert pulse.find_fault() == ""
    let_pass(pulse, 1, *ALWAYS)
    assert pulse.find_fault() == "hangs (its worker process has been silent for 56 s)"


def test_a_monitor_that_takes_no_result_hangs_though_tasks_go_through(pulse):
    probed(pulse, times=6, of=PROBE[:2])
    assert pulse.find_fault() == "hangs (its monitor has been silent for 60 s)"


def test_a_task_may_take_long_if_it_gets_on(pulse):
    pulse.note(Sign.WORKER_BEGINS)
    let_pass(pulse, 3000, Sign.GUARD, Sign.WORKER)  # the pusher waits, and the monitor has nothing to do
    assert pulse.find_fault() == ""
    pulse.note(Sign.WORKER_ENDS)
    let_pass(pulse, 40, Sign.GUARD)
    assert pulse.find_fault() == ""
    let_pass(pulse, 6, Sign.GUARD)
    assert pulse.find_fault() == "hangs (its pusher has been silent for 46 s)"


def test_a_task_that_does_not_get_on_hangs(pulse):
    pulse.note(Sign.WORKER_BEGINS)
    let_pass(pulse, 46, *ALWAYS)
    assert pulse.find_fault() == "hangs (its worker process has been silent for 46 s)"


def test_a_database_that_is_down_is_no_reason_to_start_anew(pulse):
    let_pass(pulse, 3000, *ALWAYS, Sign.NO_DATABASE)
    assert pulse.find_fault() == ""
    let_pass(pulse, 56, *ALWAYS)
    assert pulse.find_fault() == "hangs (its worker process has been silent for 56 s)"


@pytest.mark.parametrize(
    ("sign", "fault"),
    [
        ("M", "is broken (its monitor has died)"),
        ("P", "is broken (its pusher has died)"),
        ("W", "is broken (its worker process has died)"),
    ],
)
def test_a_death_is_no_longer_waited_for(pulse, sign, fault):
    pulse.note(sign)
    assert pulse.find_fault() == fault


def test_a_cluster_that_does_not_start_is_started_again():
    pulse = Pulse()
    let_pass(pulse, 60)
    assert pulse.find_fault() == ""
    let_pass(pulse, 1)
    assert pulse.find_fault() == "does not start (nothing was heard of it for 60 s)"


def test_a_watchdog_that_was_frozen_itself_does_not_count_that_time(monkeypatch):
    cluster = Cluster()
    cluster.line, theirs = socket.socketpair()
    with cluster.line, theirs:
        cluster.line.setblocking(False)
        theirs.send(b"g")
        cluster.looked_at -= 3600
        cluster.listen()
        cluster.looked_at -= 3600
        assert cluster.find_fault() == ""


class Hanging(Child):
    """A child that always hangs, in the same way."""

    has_worked = False

    def start(self):
        self.starts_at = 0.0

    def find_fault(self):
        return "hangs"

    def clean_up(self):
        self.starts_at = 0.0


def test_the_same_fault_is_told_once_until_the_child_has_worked_again():
    said: list[str] = []
    keeper, child = Supervisor(said.append), Hanging("worker")
    keeper.children.append(child)
    for _ in range(3):
        keeper.restart_the_dead()
    assert said == ["The worker hangs and is started again now."]
    child.has_worked = True
    keeper.restart_the_dead()
    assert len(said) == 2


def test_a_cluster_that_breaks_soon_is_told_and_put_off_once():
    said: list[str] = []
    keeper, cluster = Supervisor(said.append), Cluster()
    keeper.children.append(cluster)
    cluster.started_at = time.monotonic()
    for sign in (Sign.GUARD, *PROBE, "M"):
        cluster.pulse.note(sign)
    for _ in range(3):
        keeper.restart_the_dead()
    assert said == ["The worker is broken (its monitor has died) and is started again in 0.5 s."]


# The other end


@pytest.fixture
def ends():
    """The watchdog's end, and the worker's."""
    watchdog, theirs = socket.socketpair()
    line = Line(theirs.detach())
    with watchdog, line.socket:
        yield watchdog, line


def test_a_process_that_proves_its_life_is_heard(ends):
    watchdog, line = ends
    line.send(Sign.WORKER)
    assert not line.wait(0)
    assert watchdog.recv(10) == b"wg"


@pytest.mark.parametrize("unread", [b"", b"w"])
def test_a_line_that_is_shut_or_whose_watchdog_is_dead_tells_to_stop(ends, unread):
    watchdog, line = ends
    line.socket.send(unread or b"g")
    if not unread:
        watchdog.recv(10)
    watchdog.close()
    assert line.is_set()
    assert line.wait(60), "at once"
    line.send(Sign.WORKER)


def test_a_watchdog_that_does_not_read_keeps_nobody(ends):
    _watchdog, line = ends
    for _ in range(100_000):
        line.send(Sign.WORKER)
    assert not line.is_set()


def test_processes_that_should_have_ended_long_ago_are_ended_by_whichever_lives(ends, monkeypatch):
    killed = []
    monkeypatch.setattr(os, "killpg", lambda *of: killed.append(of))
    watchdog, line = ends
    watchdog.close()
    line.send(Sign.PUSHER)
    assert killed == []
    monkeypatch.setattr(heartbeats, "ENDS_WITHIN", -1)
    line.send(Sign.PUSHER)
    assert killed == [(0, signal.SIGKILL)]
