"""The site of tests in a browser: a real web server whose ERP answers, with all lists mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.service import list_types
from tests.api_server import ApiServer
from tests.concurrency.processes import Worker, until
from tests.demo_erp import Erp
from tests.factories import SyncWorkerFactory
from tests.snapshot import Snapshot


class Site:
    """`manage.py serve` on this test's database. It comes back at the same address after it was stopped."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {"DEBUG": "true"} | environment  # cookies over plain HTTP, static files as they are
        self.logs: list[Path] = []
        self.workers = 0
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        folder = self.folder / f"site-{len(self.logs)}"
        folder.mkdir()
        self.server = ApiServer(folder, self.environment, "serve", f"--port={self.port}")
        self.logs.append(self.server.log)
        self.server.wait_until_it_answers()
        self.port = urlsplit(self.server.url).port or 0

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


class MirroredDemo:
    """One demo ERP and web servers for many tests, and the database as it is when all lists are mirrored.

    `variables` name the ERP to processes, `settings` to this one.
    """

    def __init__(self, folder: Path, erp: Erp, environment: dict[str, str]) -> None:
        self.folder = folder
        self.erp = erp
        exports = folder / "exports"
        named = {"ERP_URL": erp.url, "ERP_USERNAME": DEMO_USERNAME, "ERP_PASSWORD": DEMO_PASSWORD}
        self.settings = named | {"ERP_FOLDER": None, "EXPORT_DIR": exports}
        self.variables = named | {"EXPORT_DIR": str(exports)}
        self.environment = environment | self.variables
        self.servers = ExitStack()
        self.processes: list[int] = []  # of the servers

    def __enter__(self) -> Self:
        before = Snapshot()
        with override_settings(**self.settings):
            for sync_type in list_types():
                run = request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL)
                assert runner.wait_for(run).status == SyncRun.Status.SUCCEEDED, run.error_text
        # A worker seems to be there, and to stay.
        SyncWorkerFactory(seen_at=timezone.now() + timedelta(hours=1))
        self.mirrored, self.mirrored_at = Snapshot(), timezone.now()
        before.restore()
        before.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.servers.close()
        self.mirrored.close()

    @cached_property
    def site(self) -> Site:
        site = self.servers.enter_context(Site(self.folder, self.environment))
        self.processes.append(site.server.process.pid)
        return site

    @cached_property
    def api_server(self) -> ApiServer:
        """`manage.py serve` as in production."""
        server = ApiServer(self.folder, self.environment)
        self.servers.callback(server.stop)
        server.wait_until_it_answers()
        self.processes.append(server.process.pid)
        return server

    def stop_work(self) -> None:
        """End what a test has left a server at work on; the database is still as that test left it."""
        SyncRun.objects.running().update(cancel_requested_at=timezone.now())
        held = [SyncLock.objects.filter(holder__contains=f":{pid}:") for pid in self.processes]
        until(lambda: not any(lock.exists() for lock in held))

    def restore(self) -> None:
        """Make the database and the ERP as they were when all lists had been mirrored, as if that was just now."""
        self.mirrored.restore()
        self.erp.restore()
        since = timezone.now() - self.mirrored_at
        moments = ("requested_at", "started_at", "finished_at", "exported_at")
        SyncRun.objects.update(**{field: F(field) + since for field in moments})
        SyncWorker.objects.update(seen_at=F("seen_at") + since)
