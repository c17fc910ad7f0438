"""The whole product on one machine, with the demo ERP."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from demo.environment import ERP_SETTINGS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from demo.news import News
from sync.coordinator.wake_ups import enqueue
from sync.management.supervisor import Child, Supervisor

HOST = "127.0.0.1"  # everybody knows the demo's password: this machine only
USERNAME = PASSWORD = "demo"  # noqa: S105
LIFE_EVERY = 10  # seconds between two things that happen in the demo ERP
MINUTE_SECONDS = "2"  # of the schedules: orders every 20 seconds
TICKS_EVERY = 2  # seconds; django-q2 looks at its own schedules every 30
STOPS_WITHIN = 35  # seconds for all together; the worker, which comes first, ends within 25 for certain
LOOKS_EVERY = 0.5  # seconds between two looks at what has happened
MARK = "ARCHIBALD_DEMO"  # in the environment of the process that has the demo's settings
OF_THE_DEMO = (
    "SCHEDULE_MINUTE_SECONDS",
    "DATA_DIR",
    "DEBUG",
    "ERP_URL",
    "ERP_USERNAME",
    "ERP_PASSWORD",
    "ORDER_LINES_A_DAY",
    *ERP_SETTINGS,
)
NOT_TAKEN_OVER = (  # from the environment of a real installation
    "ALERT_EMAILS",
    "ALERT_URL",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "ERP_FOLDER",
    "ERP_PASSWORD_FILE",
    "EXPORT_DIR",
    "SECURE_SSL_REDIRECT",
)


class Command(BaseCommand):
    help = (
        "Run the whole product on this machine, with a demo ERP: the web server, the worker, and schedules that are "
        "thirty times as fast as usual."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the product's pages (default: 8000)")
        parser.add_argument("--erp-port", type=int, default=8001, help="of the demo ERP (default: 8001)")

    def handle(self, *, port: int, erp_port: int, **options: Any) -> None:
        check_free(port, "--port")
        check_free(erp_port, "--erp-port")
        if port == erp_port:
            raise CommandError("Choose two different ports.")
        if MARK not in os.environ:
            os.execve(sys.executable, [sys.executable, *sys.argv], make_environment(erp_port))  # noqa: S606
        self.supervisor = Supervisor(self.say_now, stops_within=STOPS_WITHIN)
        self.supervisor.obey_signals()
        self.say(f"Starting. The data is kept in {settings.DATA_DIR}")
        try:
            self.start(port, erp_port)
            self.watch()
        finally:
            self.supervisor.stop()
        self.say("\nThe demo has stopped. Its data is kept for the next time.")

    def start(self, port: int, erp_port: int) -> None:
        call_command("migrate", verbosity=0)
        make_user()
        # Kept in a file, for commands in another terminal.
        environment_file: Path = settings.DATA_DIR / "env"
        environment_file.write_text("".join(f"{name}={os.environ[name]}\n" for name in OF_THE_DEMO))
        erp = ["demo_erp", f"--port={erp_port}", f"--life={LIFE_EVERY}", f"--state={settings.DATA_DIR / 'erp.jsonl'}"]
        self.supervisor.start(  # stopped in the opposite order
            Child("demo ERP", *erp, log=settings.DATA_DIR / "erp.log", port=erp_port),
            Child(
                "web server", "serve", f"--host={HOST}", f"--port={port}", log=settings.DATA_DIR / "web.log", port=port
            ),
        )
        if self.supervisor.told_to_stop:
            return
        self.say(
            f"\n  The product   http://{HOST}:{port}/   user {USERNAME}, password {PASSWORD}\n"
            f"  The demo ERP  http://{HOST}:{erp_port}/   user {DEMO_USERNAME}, password {DEMO_PASSWORD}\n"
            f"  Its state     ENV_FILE={shorten_path(environment_file)} {shorten_path(Path(sys.executable))}"
            " manage.py syncstatus\n"
            "  Stop with Ctrl-C.\n"
        )
        self.supervisor.start(Child("worker", "qcluster", log=settings.DATA_DIR / "worker.log"))

    def watch(self) -> None:
        """Tell what happens, and keep everything running, until told to stop."""
        news, ticked_at = News(), 0.0
        while not self.supervisor.told_to_stop:
            self.supervisor.restart_the_dead()
            try:
                for line in news.read_lines():
                    self.say(line)
                if time.monotonic() - ticked_at >= TICKS_EVERY:
                    ticked_at = time.monotonic()
                    enqueue("sync.tasks.tick")
            except OperationalError as error:  # busy for long, perhaps: the rest goes on
                self.say_now(f"The database does not answer: {error}")
            time.sleep(LOOKS_EVERY)

    def say_now(self, line: str) -> None:
        self.say(f"{timezone.localtime():%H:%M:%S}  {line}")

    def say(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:  # the terminal is closed, or nobody reads any more
            self.supervisor.stop_soon()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_environment(erp_port: int) -> dict[str, str]:
    """Settings of its own: SQLite in a folder of its own, plain HTTP, the demo ERP, short schedules."""
    return {
        "SCHEDULE_MINUTE_SECONDS": MINUTE_SECONDS,
        **{name: value for name, value in os.environ.items() if name not in NOT_TAKEN_OVER},
        MARK: "true",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(settings.DATA_DIR / "demo"),
        "DEBUG": "true",
        "ERP_URL": f"http://{HOST}:{erp_port}",
        "ERP_USERNAME": DEMO_USERNAME,
        "ERP_PASSWORD": DEMO_PASSWORD,
        "ORDER_LINES_A_DAY": "1000",
        **ERP_SETTINGS,
        "ERP_CLIENT": os.environ.get("ERP_CLIENT", ERP_SETTINGS["ERP_CLIENT"]),
    }


def shorten_path(path: Path) -> str:
    """A path as short as it can be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


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
            raise CommandError(
                f"Port {port} is in use or is not a port number. Choose another one with {option}."
            ) from None
