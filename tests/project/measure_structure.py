"""How many functions and files a reader passes, and how names are used: `python -m tests.project.measure_structure`.

What happens is traced in this process, with the demo ERP in it and a SQLite database that goes with it. The process
that reads a PDF is not traced, nor is the demo ERP.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("archibald", "sync", "customers", "orders", "demo")
SHORT = 4  # lines of a function

Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[str, str]  # a file, and a function in it


# What the code says


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the project by its path, without tests and migrations."""
    paths = (path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {str(path): ast.parse((ROOT / path).read_text()) for path in paths if "migrations" not in path.parts}


def repeated_names() -> dict[str, list[str]]:
    """Names of functions that more than one module defines, with the modules. The demo is another program."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, module in modules().items():
        for name in {node.name for node in module.body if isinstance(node, Function)}:
            if "demo" not in Path(path).parts:
                found[name].append(path)
    return {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}


def imported_names(module: ast.Module) -> int:
    imports = (node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom))
    return sum(len(node.names) for node in imports if getattr(node, "module", "") != "__future__")


def lengths() -> list[int]:
    """How many lines each function and method has, without decorators."""
    nodes = (node for module in modules().values() for node in ast.walk(module))
    return [(node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, Function)]


# What happens


class Trace:
    """The project's functions that are called, in all threads, and the calls that lead into another file."""

    def __init__(self) -> None:
        self.functions: set[Place] = set()
        self.changes_of_file: set[tuple[Place, Place]] = set()

    def __enter__(self) -> Trace:
        threading.setprofile(self.note)
        sys.setprofile(self.note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not is_ours(frame.f_code):
            return
        function = place(frame.f_code)
        self.functions.add(function)
        caller = frame.f_back
        while caller and not is_ours(caller.f_code):
            caller = caller.f_back
        if caller and caller.f_code.co_filename != frame.f_code.co_filename:
            self.changes_of_file.add((place(caller.f_code), function))

    def __str__(self) -> str:
        files = {file for file, _ in self.functions}
        return f"{len(self.functions):>9}{len(files):>7}{len(self.changes_of_file):>17}"


def is_ours(code: CodeType) -> bool:
    """Whether it is a function of the project; a comprehension, or a module's body, is part of what it stands in."""
    return not code.co_name.startswith("<") and is_traced(code.co_filename)


@cache
def is_traced(file: str) -> bool:
    parts = Path(file).relative_to(ROOT).parts if file.startswith(f"{ROOT}{os.sep}") else ("",)
    return parts[0] in PACKAGES and "demo" not in parts


def place(code: CodeType) -> Place:
    return code.co_filename, code.co_qualname


def traces() -> Iterator[tuple[str, Trace]]:
    os.environ.pop("DATABASE_URL", None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db.models import F
    from django.test import Client, override_settings

    from sync import tasks
    from sync.models import SyncRun, SyncSchedule
    from tests.demo_erp import Erp

    call_command("migrate", verbosity=0)
    SyncSchedule.objects.update(counted_from=F("counted_from") - timedelta(days=1))
    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.create_superuser("measure"))
    with Erp() as erp, override_settings(ERP_URL=erp.url, ERP_USERNAME="agente", ERP_PASSWORD="dimostrazione"):
        tasks.tick()
        assert SyncRun.objects.succeeded().count() == len(settings.SYNC_TYPES), (
            "a list of the demo ERP was not mirrored"
        )
        draft = an_order(browser)

        erp.happen("new-customer")
        SyncSchedule.objects.update(requested_slot=None)
        with Trace() as trace:
            tasks.scheduled("customers")
        yield "scheduled run", trace

        erp.happen("new-customer")
        with Trace() as trace:
            answer = browser.post("/api/customers/smart-sync", {}, "application/json")
        assert answer.status_code == 200, answer.content
        yield "smart-sync request", trace

        with Trace() as trace:
            answer = browser.post("/api/drafts", draft, "application/json")
        assert answer.status_code == 201, answer.content
        yield "save of a draft", trace

        run = SyncRun.objects.latest("pk")
        SyncRun.objects.filter(pk=run.pk).update(status=SyncRun.Status.FAILED)
        with Trace() as trace:
            answer = browser.post(f"/admin/sync/syncrun/{run.pk}/do/retry/")
        assert answer.status_code == 302
        assert SyncRun.objects.queued().exists()
        yield "retry in the admin", trace


def an_order(browser: Any) -> dict[str, Any]:
    """An order of one product that can be ordered."""
    [customer] = browser.get("/api/customers?pageSize=1").json()["results"]
    for product in browser.get("/api/products?pageSize=100").json()["results"]:
        line = {"product": product["erpId"], "quantity": product["orderQuantities"]["least"]}
        order = {"customer": customer["erpId"], "lines": [line]}
        if browser.post("/api/drafts/preview", order, "application/json").json()["draft"]["complete"]:
            return order
    raise LookupError("The demo ERP has no product that can be ordered.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--names", action="store_true", help="list the functions' names that stand in several modules")
    options = parser.parse_args()
    print(f"{'':<22}functions  files  changes of file")
    for name, trace in traces():
        print(f"{name:<22}{trace}")
    imports, long = list(map(imported_names, modules().values())), lengths()
    lines = sum((ROOT / path).read_text().count("\n") for path in modules())
    print(f"\nFunction names in more than one module: {len(repeated_names())}")
    print(f"Imported names of a file: median {median(imports):g}, 90th percentile {quantiles(imports, n=10)[-1]:g}")
    print(f"Lines of Python without tests and migrations: {lines:,}")
    print(f"Functions of {SHORT} lines or fewer: {sum(each <= SHORT for each in long) / len(long):.0%}")
    for name, paths in repeated_names().items() if options.names else ():
        print(f"{name:<22}{' '.join(paths)}")


if __name__ == "__main__":
    main()
