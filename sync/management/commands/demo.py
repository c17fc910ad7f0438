"""The whole product on one machine, with the demo ERP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sync import runner
from sync.erp.demo.server import DEMO_PASSWORD, DEMO_USERNAME
from sync.management.progress_bar import ProgressBar
from sync.models import RecordChange, SyncRun
from sync.queue import request_sync
from sync.service import all_services

HOST = "127.0.0.1"  # everybody knows the demo's password: this machine only
USERNAME = PASSWORD = "demo"  # noqa: S105
LIFE_EVERY = 20  # seconds between two things that happen in the demo ERP
SYNC_EVERY = 30  # seconds between two rounds of syncs
STARTS_WITHIN = 30  # seconds for a child process
SET_BY_OTHERS = ("DATABASE_URL", "ERP_FOLDER", "EXPORT_DIR")
MARK = "ARCHIBALD_DEMO"  # in the environment of the process that has the demo's settings


class Command(BaseCommand):
    help = "Run the whole product with a demo ERP on this machine: a web server, the ERP, and syncs every half minute."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the product's pages (default: 8000)")
        parser.add_argument("--erp-port", type=int, default=8001, help="of the demo ERP (default: 8001)")

    def handle(self, *, port: int, erp_port: int, **options: Any) -> None:
        check_free(port, "--port")
        check_free(erp_port, "--erp-port")
        if MARK not in os.environ:
            os.execve(sys.executable, [sys.executable, *sys.argv], demo_environment(erp_port))  # noqa: S606
        call_command("migrate", verbosity=0)
        make_user()
        erp = ["demo_erp", f"--port={erp_port}", f"--life={LIFE_EVERY}", f"--state={settings.DATA_DIR / 'erp.jsonl'}"]
        web = ["runserver", "--noreload", "--skip-checks", f"{HOST}:{port}"]
        try:
            with running(*erp, port=erp_port), running(*web, port=port):
                self.welcome(port, erp_port)
                self.sync_for_ever()
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo has stopped. Its data is kept for the next time.")

    def welcome(self, port: int, erp_port: int) -> None:
        self.stdout.write(
            f"\n  The product   http://{HOST}:{port}/   user {USERNAME}, password {PASSWORD}\n"
            f"  The demo ERP  http://{HOST}:{erp_port}/   user {DEMO_USERNAME}, password {DEMO_PASSWORD}\n"
            "  Stop with Ctrl-C.\n"
        )
        self.stdout.flush()

    def sync_for_ever(self) -> None:
        while True:
            for service in all_services():
                run = request_sync(service.sync_type, trigger=SyncRun.Trigger.MANUAL)
                with ProgressBar(service.sync_type) as progress:
                    runner.wait_for(run, progress=progress)
                self.report(run)
            time.sleep(SYNC_EVERY)

    def report(self, run: SyncRun) -> None:
        """Say what a run changed, or why it failed; nothing for one that found no change."""
        changes = [f"{count} {kind}" for kind in RecordChange.Kind.values if (count := getattr(run, kind))]
        if ended := run.error_text or ", ".join(changes):
            self.stdout.write(f"{timezone.localtime():%H:%M:%S}  {run.sync_type:<10} {run.read:>6} read: {ended}")
            self.stdout.flush()


def demo_environment(erp_port: int) -> dict[str, str]:
    """Settings of its own: SQLite in a folder of its own, plain HTTP, the demo ERP."""
    return {
        **{name: value for name, value in os.environ.items() if name not in SET_BY_OTHERS},
        MARK: "true",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(settings.DATA_DIR / "demo"),
        "DEBUG": "true",
        "ERP_URL": f"http://{HOST}:{erp_port}",
        "ERP_USERNAME": DEMO_USERNAME,
        "ERP_PASSWORD": DEMO_PASSWORD,
    }


def make_user() -> None:
    users = get_user_model().objects
    if not users.filter(username=USERNAME).exists():
        users.create_superuser(username=USERNAME, password=PASSWORD)


def check_free(port: int, option: str) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError):
            raise CommandError(f"Port {port} is in use, or no port. Choose another one with {option}.") from None


@contextmanager
def running(*arguments: str, port: int) -> Iterator[None]:
    """A management command that serves a port, in a process of its own, until the end of the block."""
    log = settings.DATA_DIR / f"{arguments[0]}.log"
    command = [sys.executable, sys.argv[0], *arguments]
    # Of a session of its own: Ctrl-C reaches this process alone, which then stops its children in order.
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process,  # noqa: S603
    ):
        try:
            wait_for(process, port, log)
            yield
        finally:
            process.terminate()


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise CommandError(f"Nothing answers on port {port}. {log} says why.")
