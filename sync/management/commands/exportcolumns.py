"""Say on the command line which columns of the ERP's lists are mirrored, how well each is known, what protects it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand

from sync.exports.layout import Column, Footer, Total
from sync.exports.values import NUMERIC
from sync.mirror.cross_checks import group_checks_by_field
from sync.service import CrossCheck, SyncService, list_services


class Command(BaseCommand):
    help = (
        "Print every column of every list, in Markdown: its header in the ERP, its name here, whether header and form "
        "are measured, read from the ERP's grid or assumed, what protects its values, and why it is required; then the "
        "list's cross-checks."
    )

    def handle(self, **options: Any) -> None:
        self.stdout.write("\n\n".join("\n".join(make_table(service)) for service in list_services()))


def make_table(service: SyncService) -> Iterator[str]:
    checks = group_checks_by_field(service)
    yield f"**{service.sync_type}** (`{service.erp_list.name}`)\n"
    yield "| header in the ERP | here | header and form | protected by | required |"
    yield "| --- | --- | --- | --- | --- |"
    for column in service.layout.columns:
        name = f"`{column.field}`" if column.field else "not mirrored"
        protected = "; ".join(list_protections(service, column, checks.get(column.field, [])))
        yield f"| {column.header} | {name} | {column.source.value} | {protected} | {column.required} |"
    if service.cross_checks:
        yield f"\nCross-checks of {service.sync_type}:\n"
    for number, check in enumerate(service.cross_checks, start=1):
        yield f"{number}. {check.text.partition(': ')[2]} ({check.source.value}; {check.evidence})"


def list_protections(
    service: SyncService, column: Column, checks: list[tuple[SyncService, CrossCheck]]
) -> Iterator[str]:
    if not column.field:
        return
    if column.total is Total.SUM:
        yield "Sum"
    elif service.layout.footer is Footer.OPTIONAL and column.convert in NUMERIC:
        yield "Sum: not known"
    if column.field == service.layout.key:
        yield "being the key"
    for sync_type, numbered in groupby(checks, key=lambda each: each[0].sync_type):
        numbers = (str(source.cross_checks.index(check) + 1) for source, check in numbered)
        yield f"{sync_type} {', '.join(numbers)}"
    if not (checks or column.total is Total.SUM or column.field == service.layout.key):
        yield "nothing"
