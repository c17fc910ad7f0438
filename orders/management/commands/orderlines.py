"""Bring the lines of one order from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from orders import order_lines
from orders.models import Order
from sync.coordinator import runner
from sync.erp import allowance
from sync.exceptions import Interrupted, SyncError
from sync.management.database import check_migrated


class Command(BaseCommand):
    help = (
        "Ask the ERP for the lines of one order now, or read them from its export, and show them. Lines that do not "
        "come to the order's amount are not kept. Without ORDER: how many orders wait for their lines, and what went "
        "wrong last. Exit status: 0 kept, 1 not kept, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="ORDER", nargs="?", help="the order number, or the ID in the ERP")
        parser.add_argument("--file", type=Path, metavar="PDF", help="read this export instead of asking the ERP")
        parser.add_argument("--ignore-hours", action="store_true", help="ask the ERP outside ERP_HOURS too")

    def handle(self, *, order: str | None, file: Path | None, ignore_hours: bool, **options: Any) -> None:
        check_migrated()
        if order is None:
            self.show_state()
            return
        self.is_waiting = False
        if file and not file.is_file():
            raise CommandError(f"There is no file {file}.")
        found = find_order(order)
        try:
            with runner.hold_lock_between_syncs(self.say_that_it_waits) as lease, allowance.ignore_hours(ignore_hours):
                if file:
                    order_lines.read_given_file(found, file, lease)
                else:
                    order_lines.fetch_lines(found, lease)
        except Interrupted:
            raise CommandError("A sync was to run, and went first: nothing was kept. Run the command again.") from None
        except SyncError as error:
            raise CommandError(str(error)) from None
        for line in found.lines.select_related("product"):
            product = line.product.erp_id if line.product else "-"
            self.stdout.write(f"{line.position.normalize():f}  {line}  {line.amount} €  product {product}")
        self.stdout.write(f"{found.lines.count()} lines of order {found} were kept.")

    def show_state(self) -> None:
        state = order_lines.read_state()
        self.stdout.write(f"{state.waiting} orders wait for their lines; {state.asked_today} were asked for today.")
        if state.last_problem:
            self.stdout.write(f"Last problem: {state.last_problem.order}: {state.last_problem.error_text}")

    def say_that_it_waits(self) -> None:
        if not self.is_waiting:
            self.stderr.write("Waiting until the sync that is running has ended.")
            self.is_waiting = True


def find_order(text: str) -> Order:
    """Raises CommandError unless exactly one order that the ERP shows has this number or ID."""
    named = Q(number=text) | (Q(erp_id=int(text)) if text.isdecimal() and len(text) < 10 else Q(pk=None))
    found = list(Order.objects.present().filter(named)[:2])
    if len(found) != 1:
        raise CommandError(f"{'Several orders have' if found else 'No order has'} the number or the ID {text}.")
    return found[0]
