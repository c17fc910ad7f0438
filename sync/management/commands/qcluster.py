"""The worker: a watchdog, and django-q2's cluster as its child."""

from __future__ import annotations

import logging
import os
import time
from argparse import SUPPRESS
from collections.abc import Callable
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connections

from sync.coordinator import worker
from sync.management import cluster
from sync.management.database import check_migrated
from sync.management.supervisor import LOOKS_EVERY, Supervisor
from sync.management.watchdog import Cluster
from sync.monitoring.housekeeping import Housekeeping

SIGNS_OFF_WITHIN = 5.0  # seconds; then it ends without

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Start a worker, which carries out what is due and what was asked for. Any number of machines may run one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--line", type=int, help=SUPPRESS)  # to the watchdog, which starts the rest with it

    def handle(self, *, line: int | None, **options: Any) -> None:
        if line is None:
            self.watch()
        else:
            cluster.run(line)

    def watch(self) -> None:
        """Keep the cluster running until told to stop. Nothing in here waits for the database once it runs."""
        check_migrated()
        connections.close_all()
        supervisor = Supervisor(logger.warning)
        supervisor.obey_signals()
        housekeeping = Housekeeping()
        try:
            supervisor.start(Cluster())
            run_in_background(worker.replace_predecessors)
            housekeeping.start()
            self.say("The worker has started. Stop it with Ctrl-C.")
            while not supervisor.told_to_stop:
                supervisor.restart_the_dead()
                time.sleep(LOOKS_EVERY)
        finally:
            supervisor.stop()
        housekeeping.stop()
        run_in_background(lambda: worker.sign_off(os.getpid())).join(SIGNS_OFF_WITHIN)
        self.say("The worker has stopped.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def run_in_background(write: Callable[[], None]) -> Thread:
    """Write something down without waiting for the database."""

    def work() -> None:
        try:
            write()
        except Error as error:
            logger.warning("The database does not answer: %s", error)
        finally:
            connections.close_all()

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread
