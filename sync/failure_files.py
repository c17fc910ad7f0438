"""The screenshot and the page of a step that failed in the ERP, beside where the export would be.

An ERP client writes them. They show what a person would have seen, customers among it: so they are private, kept as
long as exports of failed runs, and nobody gets them without the permission to download exports.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from sync.models import SyncRun

CHECK_FOLDER = "checkerp"  # in DATA_DIR
SUFFIXES = (".png", ".html")  # of a screenshot, of a page
OUR_FAILURE_FILE = re.compile(r"(?P<sync_type>[a-z]+)-(?P<run>\d{1,18})-\d+\.(png|html)")  # type, run, token


def list_failure_files() -> list[tuple[Path, re.Match[str]]]:
    """Those of all runs, with the parts of their names."""
    folder: Path = settings.EXPORT_DIR
    files = folder.iterdir() if folder.is_dir() else ()
    found = ((path, OUR_FAILURE_FILE.fullmatch(path.name)) for path in files)
    return [(path, match) for path, match in found if match]


def find_failure_file(run: SyncRun, suffix: str) -> Path | None:
    """The latest of a run with a suffix; no link leads to another file."""
    found = settings.EXPORT_DIR.glob(f"{run.sync_type}-{run.pk}-*{suffix}")
    files = [path for path in found if OUR_FAILURE_FILE.fullmatch(path.name) and not path.is_symlink()]
    return max(files, key=lambda path: path.stat().st_mtime, default=None)


def delete_failure_files(run: SyncRun) -> None:
    """Delete what earlier attempts at a run have left."""
    for suffix in SUFFIXES:
        for path in settings.EXPORT_DIR.glob(f"{run.sync_type}-{run.pk}-*{suffix}"):
            path.unlink(missing_ok=True)


# Of a check of the ERP, which is no run


def list_check_files() -> list[Path]:
    folder = settings.DATA_DIR / CHECK_FOLDER
    return [*folder.iterdir()] if folder.is_dir() else []


def keep_check_files(path: Path) -> list[Path]:
    """Keep what an ERP client has left beside the place of an export; gives where it is now."""
    folder: Path = settings.DATA_DIR / CHECK_FOLDER
    kept = []
    for suffix in SUFFIXES:
        found = path.with_suffix(suffix)
        if found.is_file():
            folder.mkdir(exist_ok=True)
            kept.append(Path(shutil.move(found, folder / found.name)))
    return kept


def delete_check_files() -> None:
    for path in list_check_files():
        path.unlink(missing_ok=True)
