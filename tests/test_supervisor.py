"""What keeps the parts of the demo running: children that behave badly."""

import math
import os
import subprocess
import sys
import time

import pytest
from django.core.management.base import CommandError

from sync.management.supervisor import Child, Supervisor
from tests.concurrency.processes import PATIENCE, until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
LEAVES_ONE_BEHIND = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"


@pytest.fixture
def child(tmp_path, real_processes):
    """A child that runs a Python text."""

    def make(text):
        child = Child("child", log=tmp_path / "child.log")
        child.command = [sys.executable, "-c", text]
        return child

    return make


@pytest.fixture
def said():
    return []


@pytest.fixture
def keeper(said):
    keeper = Supervisor(said.append)
    yield keeper
    for child in keeper.children:
        child.kill()


def logged(child):
    until(child.log.read_text)
    return child.log.read_text()


def is_alive(pid):
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() not in ("", "Z")


def test_a_child_that_dies_again_at_once_is_started_later_and_later(child):
    dying = child("raise SystemExit(3)")
    delays = []
    for _ in range(7):
        dying.start()
        dying.process.wait(PATIENCE)
        dying.started_at = time.monotonic()  # however long the machine took
        assert dying.find_fault() == "has died (exit status 3)"
        dying.clean_up()
        delays.append(dying.back_off)
    assert delays == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_child_that_lived_long_enough_is_started_again_at_once(child, keeper, said):
    mortal = child("import time; time.sleep(60)")
    keeper.start(mortal)
    first = mortal.process
    mortal.started_at -= 10
    first.kill()
    first.wait(PATIENCE)
    keeper.restart_the_dead()
    assert mortal.is_alive
    assert mortal.process.pid != first.pid
    assert said == [f"The child has died (SIGKILL) and is started again now. Its log: {mortal.log}"]


def test_a_death_is_told_once_while_the_child_waits_for_its_start(child, keeper, said):
    dying = child("raise SystemExit(3)")
    keeper.start(dying)
    dying.process.wait(PATIENCE)
    dying.started_at = time.monotonic()  # however long the machine took
    for _ in range(3):
        keeper.restart_the_dead()
        dying.starts_at = math.inf
    assert said == [f"The child has died (exit status 3) and is started again in 0.5 s. Its log: {dying.log}"]


def test_what_a_dead_child_leaves_behind_is_killed(child):
    parent = child(LEAVES_ONE_BEHIND)
    parent.start()
    left = int(logged(parent))
    parent.process.wait(PATIENCE)
    assert is_alive(left)
    parent.clean_up()
    until(lambda: not is_alive(left))


def test_a_child_that_does_not_stop_is_killed(child, keeper, said):
    keeper.stops_within = 0.3
    stubborn = child(STUBBORN)
    keeper.start(stubborn)
    logged(stubborn)
    pid = stubborn.process.pid
    keeper.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert said == ["The child does not stop, and is killed."]


def test_a_child_that_never_answers_is_named_with_its_log(child, keeper):
    silent = child("raise SystemExit(1)")
    silent.port = 1
    with pytest.raises(CommandError, match=r"The child does not start\. .*child\.log says why\."):
        keeper.start(silent)
