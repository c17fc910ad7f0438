"""Reads exports one after the other, each in a fork of this small process, and tells what each took.

    python -m tests.hostile.measuring < requests

A request is a line of JSON: {"path": ..., "limits": {...}}; so is what it tells. No Django is loaded: what is measured
is the reader and the process that it starts.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from sync.exceptions import ExportError
from sync.exports.layout import Column, ExportLayout, Footer
from sync.exports.limits import Limits
from sync.exports.reader import read_export
from sync.exports.values import integer, text

LAYOUT = ExportLayout(
    key="erp_id",
    columns=[
        Column("ID", "erp_id", integer, required="the key"),
        Column("NOME:", "name", text, required="nobody is found without it"),
        Column("VENDITE", "sales", text),
    ],
    footer=Footer.OPTIONAL,
)


def read(path: Path, limits: Limits, layout: ExportLayout = LAYOUT) -> dict[str, Any]:
    told: dict[str, Any]
    calls = 0

    def progress(stage: object, done: int, total: int | None) -> None:
        nonlocal calls
        calls += 1

    started = time.monotonic()
    try:
        with read_export(path, layout, limits=limits, progress=progress) as records:
            told = {"records": sum(1 for _ in records), "by_pdfplumber": len(records.fallback_pages)}
    except ExportError as error:
        told = {"error": type(error).__name__, "text": str(error)}
    except Exception as error:  # noqa: BLE001  # which is what is looked for
        told = {"error": type(error).__name__, "text": repr(error), "notes": getattr(error, "__notes__", [])}
    return told | {"wall": time.monotonic() - started, "looks": calls}


def measured(request: dict[str, Any], layout: ExportLayout = LAYOUT) -> dict[str, Any]:
    """What became of a file, the processor's seconds that both processes took, and the peak memory of each, in MB."""
    receiver, sender = os.pipe()
    pid = os.fork()
    if not pid:
        told = read(Path(request["path"]), Limits(**request.get("limits", {})), layout)
        ours, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        told["seconds"] = ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime
        told["peak"], told["peak_of_child"] = ours.ru_maxrss / 1024, theirs.ru_maxrss / 1024
        os.write(sender, json.dumps(told | {"text": str(told.get("text", ""))[:2000]}).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        answer: dict[str, Any] = json.loads(pipe.read())
    os.waitpid(pid, 0)
    return answer


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(measured(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
