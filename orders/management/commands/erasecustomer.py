"""Erase a removed customer's personal data from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import erasure
from orders.erasure import NotErasable, Report
from sync.erasure.leftovers import compact_database
from sync.exceptions import LeaseLost
from sync.management.database import check_migrated

NOT_COVERED = (
    "Not covered: the ERP itself and its exports elsewhere (ERP_FOLDER, files given with --file), backups and replicas "
    "of the database, logs, and unsaved orders in agents' browsers."
)


class Command(BaseCommand):
    help = (
        "Anonymise a customer whom the ERP no longer shows: in the mirror and its history, in drafts, and in what runs "
        "say; kept exports that name the customer are deleted. It cannot be undone. "
        "Exit status: 0 erased or nothing left, 1 refused or not complete."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", metavar="CUSTOMER", help="the account number, or the ID in the ERP")
        parser.add_argument("--id", action="store_true", dest="by_id", help="CUSTOMER is the ID in the ERP")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be erased, without erasing anything"
        )
        parser.add_argument("--yes", action="store_true", help="erase without asking")

    def handle(self, *, customer: str, by_id: bool, dry_run: bool, yes: bool, **options: Any) -> None:
        check_migrated()
        self.is_waiting = False
        try:
            target = erasure.find_target(customer, by_id=by_id)
            found = erasure.preview_erasure(target)
            if dry_run:
                self.stdout.write(f"Customer: {erasure.describe_target(target)}.")
                self.show("Would be erased", found)
                return
            if found.erased and not yes:
                self.show("To be erased", found)
                self.ask(f"Erase {erasure.describe_target(target)}? It cannot be undone. Type yes: ")
            report = erasure.erase(target, waiting=self.say_that_it_waits)
        except NotErasable as error:
            raise CommandError(str(error)) from None
        except LeaseLost:
            raise CommandError("Another process took the lock: nothing was erased. Run the command again.") from None
        self.show("Erased", report)
        if report.erased and target.erp_id is not None:
            self.stdout.write(f"From now on this customer can be named only by ID {target.erp_id} (--id).")
        self.stdout.write(NOT_COVERED)
        if problem := compact_database():
            raise CommandError(
                f"The database file still holds what was erased, as it could not be compacted: {problem}. "
                f"Run the command again."
            )

    def ask(self, question: str) -> None:
        """Raises CommandError unless the answer is yes."""
        try:
            answer = input(question)
        except EOFError:
            answer = ""
        if answer.strip().lower() != "yes":
            raise CommandError("Nothing was erased. If there is no terminal to answer at, confirm with --yes.")

    def say_that_it_waits(self) -> None:
        if not self.is_waiting:
            self.is_waiting = True
            self.stderr.write("Waiting for the sync in progress to end.")

    def show(self, what: str, report: Report) -> None:
        if report.erased:
            self.stdout.write(f"{what}:")
            self.write_lines(report.erased)
        else:
            self.stdout.write("There is nothing left to erase.")
        if report.shown:
            self.stdout.write(
                "Still shown by the ERP, and kept; run this again by account number when the ERP no longer shows them:"
            )
            self.write_lines(report.shown)
        if report.remaining:
            self.stdout.write(
                "The customer's name, address or a number is still in these places; look at each, and correct it there:"
            )
            self.write_lines(report.remaining)
        if report.remaining_from_erp:
            self.stdout.write(
                "Other records, or their history, name the same, and cannot be changed here. Look whether it is said "
                "of this customer. If so, correct it in the ERP; a removed customer is erased by its own account "
                "number or ID, and history is deleted after KEEP_CHANGES_DAYS:"
            )
            self.write_lines(report.remaining_from_erp)

    def write_lines(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(f"  {line}")
