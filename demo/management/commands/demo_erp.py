"""The demo ERP on the command line."""

from __future__ import annotations

import signal
from argparse import ArgumentTypeError
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.erp.erp import DEFAULT_SEED, DemoErp
from demo.erp.faults import Fault
from demo.erp.life import HAPPENINGS, OtherJournal
from demo.erp.lists import LISTS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer


def positive(text: str) -> float:
    value = not_negative(text)
    if not value:
        raise ArgumentTypeError("0 makes no records")
    return value


def not_negative(text: str) -> float:
    value = float(text)
    if value < 0:
        raise ArgumentTypeError(f"{text} is negative")
    return value


class Command(BaseCommand):
    help = "Run the demo ERP, an invented stand-in for the real one, or write its exports into a folder."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = (
            f"POST /demo/life/WHAT lets something happen: {', '.join(HAPPENINGS)}. "
            'POST /demo/faults with {"fault": FAULT, "list": TYPE, "times": NUMBER} makes exports go wrong; list and '
            "times may be left out. remembered-filter, kept-grid-filter and silent-grid-filter stay until somebody "
            "ends them. Faults: " + " ".join(f"{fault.label}: {fault.does}" for fault in Fault)
        )
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8001, help="port to listen on; 0: any (default: 8001)")
        parser.add_argument("--scale", type=positive, default=1, help="size of the lists; 1 is the real size")
        parser.add_argument(
            "--seed", type=int, default=DEFAULT_SEED, help="seed of the random data: another seed gives other records"
        )
        parser.add_argument(
            "--delay", type=not_negative, help="seconds that an export takes (default: 2, or as --realistic says)"
        )
        parser.add_argument(
            "--realistic",
            action="store_true",
            help="pages and exports take as long as the real ones: 1 s, 5 to 60 s; filters are as a user left them",
        )
        parser.add_argument(
            "--life", type=not_negative, metavar="SECONDS", help="let something happen automatically, about this often"
        )
        parser.add_argument(
            "--state", type=Path, metavar="FILE", help="keep in this file what happened, for the next start"
        )
        parser.add_argument(
            "--write",
            type=Path,
            metavar="DIR",
            help="write all exports, with all columns shown, into this folder, and exit",
        )

    def handle(self, **options: Any) -> None:
        try:
            erp = DemoErp(scale=options["scale"], seed=options["seed"], state=options["state"])
        except OtherJournal as other:
            raise CommandError(str(other)) from None
        if options["write"]:
            self.write_exports(erp, options["write"])
        else:
            self.serve(erp, options)

    def write_exports(self, erp: DemoErp, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"Cannot write into {folder}: {error.strerror}") from None
        for demo_list in LISTS:
            path = folder / demo_list.file_names[0]
            written = erp.write_export(demo_list.name, path)
            self.stdout.write(f"{path}: {written.pages} pages, {written.records} records")

    def serve(self, erp: DemoErp, options: dict[str, Any]) -> None:
        try:
            server = DemoServer(
                erp,
                host=options["host"],
                port=options["port"],
                delay=2 if options["delay"] is None and not options["realistic"] else options["delay"],
                realistic=options["realistic"],
            )
        except OSError as error:
            raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}") from None
        stop = Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        server.start(life=options["life"])
        self.stdout.write(f"The demo ERP is at {server.url} (user {DEMO_USERNAME}, password {DEMO_PASSWORD})")
        self.stdout.flush()
        stop.wait()
        server.stop()
        self.stdout.write("The demo ERP has stopped.")
