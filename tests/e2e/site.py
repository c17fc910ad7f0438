"""The site of tests in a browser: a real web server whose ERP answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.utils import timezone

from sync import runner
from sync.models import SyncRun, SyncSchedule
from sync.queue import request_sync
from sync.service import all_types
from tests.api_server import ApiServer
from tests.concurrency.processes import Worker
from tests.factories import SyncWorkerFactory


class Site:
    """`manage.py serve` on this test's database. It comes back at the same address after it was stopped."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {"DEBUG": "true"} | environment  # cookies over plain HTTP, static files as they are
        self.logs: list[Path] = []
        self.workers = 0
        self.port = 0
        self.begin()

    def begin(self) -> None:
        """Start it, and go on with something else meanwhile."""
        folder = self.folder / f"site-{len(self.logs)}"
        folder.mkdir()
        self.server = ApiServer(folder, self.environment, "serve", f"--port={self.port}")
        self.logs.append(self.server.log)

    def wait_until_it_answers(self) -> None:
        self.server.wait_until_it_answers()
        self.port = urlsplit(self.server.url).port or 0

    def start(self) -> None:
        self.begin()
        self.wait_until_it_answers()

    def stop(self) -> None:
        """Stop it as an operator does. Nothing answers at its address until `start`."""
        self.server.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return "".join(path.read_text() for path in self.logs)

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """A real `manage.py qcluster`, which does what a test asks for; no schedule is due."""
        SyncSchedule.objects.update(enabled=False)
        self.workers += 1
        worker = Worker(self.folder / f"worker-{self.workers}", self.environment)
        try:
            yield worker
        finally:
            worker.kill()


def mirror_everything() -> None:
    """Mirror all lists of the ERP that the settings name; a worker seems to be there, and to stay."""
    for sync_type in all_types():
        run = request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL)
        assert runner.wait_for(run).status == SyncRun.Status.SUCCEEDED, run.error_text
    SyncWorkerFactory(seen_at=timezone.now() + timedelta(hours=1))
