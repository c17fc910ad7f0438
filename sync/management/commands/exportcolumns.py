"""Say on the command line which columns of the ERP's lists are mirrored, and how well each is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from sync.service import SyncService, all_services


class Command(BaseCommand):
    help = (
        "Print every column of every list, in Markdown: its header in the ERP, its name here, whether header and form "
        "are measured, read from the ERP's grid or assumed, and why it is required."
    )

    def handle(self, **options: Any) -> None:
        self.stdout.write("\n\n".join("\n".join(table(service)) for service in all_services()))


def table(service: SyncService) -> Iterator[str]:
    yield f"**{service.sync_type}** (`{service.erp_list.name}`)\n"
    yield "| header in the ERP | here | header and form | required |"
    yield "| --- | --- | --- | --- |"
    for column in service.layout.columns:
        name = f"`{column.field}`" if column.field else "not mirrored"
        yield f"| {column.header} | {name} | {column.source.value} | {column.required} |"
