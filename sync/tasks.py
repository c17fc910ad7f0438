"""What django-q2 delivers: wake-ups that may come twice, late, or together. Each ends by draining the queue."""

from __future__ import annotations

from sync.coordinator import idle_time, runner, schedules, sessions, wake_ups, worker
from sync.disk import skip_if_disk_full
from sync.monitoring import retention
from sync.monitoring.future_times import correct_future_times
from sync.monitoring.state_changes import record_state_changes

LEFT = "What is due is left for later"


@skip_if_disk_full("That this worker lives cannot be written down")
def beat() -> None:
    """Prove that this worker lives."""
    worker.write_heartbeat()


@skip_if_disk_full(LEFT)
def drain() -> None:
    """Carry out what is queued."""
    worker.write_heartbeat()
    runner.drain_queue()
    worker.prove_life()
    record_state_changes()


@skip_if_disk_full(LEFT)
def scheduled(sync_type: str) -> None:
    """Queue a type's run if its time has come."""
    schedules.request_due(sync_type)
    drain()


@skip_if_disk_full(LEFT)
def tick() -> None:
    """Once a minute: mend what has got out of step, queue what is due, note what has ended by itself, tidy up.

    Then ask the ERP for what nobody waits for, if nothing else is wanted of it.
    """
    try:
        correct_future_times()
        wake_ups.update_wake_ups()
        schedules.request_due()
        sessions.record_expired_sessions()
    finally:  # whatever is wrong with a schedule, and though what is due finds no room: this may make some
        drain()
        retention.prune()
    idle_time.carry_out_tasks()
