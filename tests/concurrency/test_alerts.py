"""Several processes that send alerts, and one that dies while it does."""

import os
import signal
from datetime import timedelta
from multiprocessing import Event
from unittest.mock import patch

import pytest
from django.utils import timezone

from sync.models import Alert
from sync.monitoring import alert_channels, alerts
from tests.alert_receivers import Receiver, serving
from tests.concurrency.processes import until
from tests.factories import AlertFactory

ALERTS = 30
PROCESSES = 4


@pytest.fixture
def receiver(settings, network):
    with serving(Receiver(204)) as server:
        settings.ALERT_URL = server.url
        yield server


def waiting():
    return Alert.objects.waiting().exists()


def test_processes_that_send_at_the_same_moment_deliver_each_alert_once(start, receiver):
    numbers = [AlertFactory().event_id for _ in range(ALERTS)]
    together = Event()

    def send():
        together.wait()
        while waiting():
            alerts.send_due()

    children = [start(send) for _ in range(PROCESSES)]
    together.set()
    assert all(child.ended_well() for child in children)
    assert sorted(said["id"] for said in receiver.accepted) == numbers
    assert set(Alert.objects.values_list("attempts", flat=True)) == {1}


def test_what_a_killed_process_had_claimed_is_sent_by_another_when_the_claim_ends(start, receiver):
    AlertFactory()

    def die_before_delivery():
        with patch.dict(alert_channels.SENDERS, {Alert.Channel.WEB: lambda *_: os.kill(os.getpid(), signal.SIGKILL)}):
            alerts.send_due()

    child = start(die_before_delivery)
    until(lambda: child.process.exitcode == -signal.SIGKILL)
    alerts.send_due()
    alert = Alert.objects.get()
    assert (alert.attempts, receiver.accepted) == (1, [])
    assert Alert.objects.filter(next_attempt_at__lt=timezone.now() + alerts.CLAIMED_FOR).exists()
    Alert.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    alerts.send_due()
    assert len(receiver.accepted) == 1
    assert not waiting()


def test_a_process_that_was_stopped_while_it_sent_takes_nothing_back(start, receiver):
    """What another process has delivered meanwhile stays delivered, though the first one's attempt fails at last."""
    AlertFactory()

    def fail_at_last(alert, line):
        os.kill(os.getpid(), signal.SIGSTOP)
        raise OSError("the connection is gone")

    def send_slowly():
        with patch.dict(alert_channels.SENDERS, {Alert.Channel.WEB: fail_at_last}):
            alerts.send_due()

    child = start(send_slowly)
    until(lambda: child.is_stopped)
    Alert.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    alerts.send_due()
    child.resume()
    assert child.ended_well()
    alert = Alert.objects.get()
    assert alert.delivered_at
    assert (alert.attempts, alert.error, alert.next_attempt_at) == (2, "", None)
