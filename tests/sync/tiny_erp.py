"""An ERP with one record in each list, which answers at once, or fails as it is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from sync.erp.client import ErpList, Export
from sync.progress import Progress, Stage
from sync.service import list_services
from tests.sync.drawing import draw_list


class TinyErp:
    """What it shows is true of the moment of the fetch, by whichever clock the test has."""

    def __init__(self, folder: Path) -> None:
        self.exports: dict[str, Path] = {}  # by the list's name in the ERP
        self.names: dict[str, str] = {}
        for service in list_services():
            path = folder / f"{service.sync_type}.pdf"
            self.exports[service.erp_list.name] = draw_list(path, service, [{service.layout.key: "1"}])
            self.names[service.erp_list.name] = service.sync_type
        self.errors: dict[str, BaseException] = {}  # by type: what each of its fetches raises
        self.fetched: list[str] = []
        self.given: list[timedelta] = []  # how long each fetch might take
        self.meanwhile: Callable[[str], object] = lambda sync_type: None  # what happens while it is asked

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        sync_type = self.names[erp_list.name]
        self.fetched.append(sync_type)
        self.given.append(at_most)
        self.meanwhile(sync_type)
        progress(Stage.FETCHING, 0, None)
        if error := self.errors.get(sync_type):
            raise error
        shutil.copyfile(self.exports[erp_list.name], to)
        return Export(to, timezone.now())
