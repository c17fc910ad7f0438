"""What must happen although all workers are dead: whoever serves the web, or watches over a worker, does it too."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from django import db
from django.conf import settings

from sync.coordinator import wake_ups
from sync.monitoring import alerts
from sync.monitoring.future_times import correct_future_times
from sync.monitoring.state_changes import record_state_changes

logger = logging.getLogger(__name__)

ENDS_WITHIN = 5.0  # seconds that whoever stops it waits for it


class Housekeeping(Thread):
    """Does each of its duties every few seconds, in a thread and with a database connection of its own.

    Nothing that goes wrong ends it: while the database does not answer, or has no room, it says so once, and goes on.
    """

    def __init__(self) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self.told_to_stop = Event()
        self.failing: set[str] = set()  # the duties that the database kept from being done last time

    @property
    def duties(self) -> list[Callable[[], None]]:
        return [correct_future_times, wake_ups.wake_if_overdue, record_state_changes, self.send_alerts]

    def send_alerts(self) -> None:
        alerts.send_due(self.told_to_stop)

    def run(self) -> None:
        while not self.told_to_stop.wait(settings.HOUSEKEEPING_EVERY.total_seconds()):
            for duty in self.duties:
                self.do(duty)
        db.connections.close_all()

    def do(self, duty: Callable[[], None]) -> None:
        name = duty.__name__
        try:
            duty()
            self.failing.discard(name)
        except db.Error as error:
            if name not in self.failing:
                logger.warning("The housekeeping (%s) waits for the database: %s", name, error)
            self.failing.add(name)
            db.connections.close_all()  # the next time it asks anew
        except Exception:
            logger.exception("The housekeeping (%s) was stopped by a bug; the rest goes on", name)

    def stop(self) -> None:
        self.told_to_stop.set()
        self.join(ENDS_WITHIN)
