"""The browser's process, from its start to its end: whatever it does, it can be ended at once, with all below it."""

from __future__ import annotations

import fcntl
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

from sync.erp.browser import process_tree
from sync.erp.browser.messages import Setup
from sync.exceptions import ErpBrowserFolderTooLong, ErpBrowserMissing
from sync.exports.process import build_environment

logger = logging.getLogger(__name__)

START = "from sync.erp.browser.child import drive_browser; drive_browser()"
# The headless one first: it takes a third of the others' processor time, and starts twice as fast (measured).
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FOLDER_PREFIX = "archibald-browser-"
OWNER = "owner"  # the file in it that the process has locked which started the browser
LONGEST_SOCKET_PATH = 107  # bytes: a limit of Linux
CHROMIUM_SOCKET = "/org.chromium.Chromium.123456/SingletonSocket"  # in its folder (measured)
SHORT_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108  # the browser's folder in it is of its user alone
STARTING_SECONDS = 60.0  # in which a folder may not be known to be in use yet
LIFETIME = 25 * 60.0  # seconds: after about 30 minutes of work, a page took 30 s to open [seen]
IDLE_SECONDS = 600.0  # without an operation, after which it ends by itself
MOST_EXPORTS = 40
STAGGER = 0.2  # so much of both is left to chance: browsers that start together keep a machine busy [seen]
MOST_MEMORY = 1536 * 1024**2  # bytes of all its processes


class BrowserProcess:
    """A process that runs sync.erp.browser.child, and what that starts. Raises ErpBrowserMissing."""

    def __init__(self, url: str, executable: str = "") -> None:
        setup = Setup(url, find_chromium(executable), IDLE_SECONDS)
        share = 1 - random.random() * STAGGER
        self.ends_at = time.monotonic() + LIFETIME * share
        self.exports_left = round(MOST_EXPORTS * share)
        self.owner = os.getpid()
        self.sessions: frozenset[int] = frozenset()  # the system's; of all that it started
        parent = choose_parent_folder()
        remove_left_folders(parent)
        self.folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent)  # of its user alone
        self.owned = os.open(Path(self.folder, OWNER), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.owned, fcntl.LOCK_EX)  # for as long as this process lives: no child inherits it
        in_use = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(in_use, fcntl.LOCK_SH)  # for as long as it lives
        self.pipe, theirs = Pipe()
        watched, self.alive = os.pipe()  # the other end is closed when this process ends, in whatever way
        try:
            self.python = subprocess.Popen(  # noqa: S603  # our own
                [
                    *(sys.executable, "-P", "-S", "-c", START),
                    *(str(theirs.fileno()), str(watched)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=build_environment() | describe_folders(self.folder),
                cwd="/",
                pass_fds=(theirs.fileno(), watched, in_use),
                start_new_session=True,
            )
        except BaseException:
            os.close(self.alive)
            os.close(self.owned)
            shutil.rmtree(self.folder)
            raise
        finally:
            theirs.close()
            os.close(watched)
            os.close(in_use)
        self.sessions = frozenset([self.python.pid])
        self.send(setup)

    @property
    def is_worn(self) -> bool:
        """Whether it has served long enough."""
        return time.monotonic() > self.ends_at or self.exports_left <= 0 or self.memory > MOST_MEMORY

    @property
    def memory(self) -> int:
        """What all its processes take, in bytes."""
        return sum(each.memory for each in process_tree.find_tree(self.python.pid, self.sessions))

    def send(self, message: object) -> None:
        """Raises BrokenPipeError if it has ended."""
        self.pipe.send(message)

    def receive(self, *, within: float) -> Any:
        """Its next message; None if none comes within so many seconds. Raises EOFError if it has ended."""
        return self.pipe.recv() if self.pipe.poll(within) else None

    def kill(self) -> None:
        """End it and all that it started, now; it needs no answer of any of them."""
        left = process_tree.kill_tree(self.python.pid, self.sessions)
        if left:
            logger.error(
                "Processes of the ERP's browser do not end: %s", ", ".join(f"{each.pid} {each.name}" for each in left)
            )
        self.pipe.close()
        os.close(self.alive)
        os.close(self.owned)
        self.python.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # the process itself removes it too, if it has the time


def choose_parent_folder() -> str:
    """Where a browser's folder is made: TMPDIR, or another temporary folder if Chromium's socket has no room there.

    Raises ErpBrowserFolderTooLong.
    """
    longest = LONGEST_SOCKET_PATH - len(f"/{FOLDER_PREFIX}12345678{CHROMIUM_SOCKET}")
    usual = tempfile.gettempdir()
    for folder in (usual, *SHORT_FOLDERS):
        if len(os.fsencode(folder)) <= longest and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise ErpBrowserFolderTooLong(folder=usual, count=longest)


def remove_left_folders(parent: str) -> None:
    """Remove what processes left that were killed together with the service, as nobody was there to do it.

    Those that are still there, as they were stopped at that time, are ended first.
    """
    for folder in Path(parent).glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError):  # another one's, in use, or removed meanwhile
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                found = os.fstat(descriptor)
                if found.st_uid == os.geteuid() and time.time() > found.st_mtime + STARTING_SECONDS:
                    if (folder / OWNER).exists():
                        end_orphans(folder)
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(descriptor)


def end_orphans(folder: Path) -> None:
    """End the browser that uses a folder if the process that started it has ended. Raises OSError if it lives."""
    owned = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for each in process_tree.find_started_with(f"TMPDIR={folder}"):
            logger.warning("Process %s (%s) of an ERP browser was left without its service: ended", each.pid, each.name)
            process_tree.kill_tree(each.pid)
    finally:
        os.close(owned)


def find_chromium(executable: str) -> str:
    if find_spec("playwright") is None:
        raise ErpBrowserMissing(missing="Playwright", command="pip install 'archibald[browser]'")
    found = next(filter(None, map(shutil.which, [executable] if executable else CHROMIUM)), None)
    if found is None:
        raise ErpBrowserMissing(missing=executable or "Chromium", command="apt install chromium")
    return found


def describe_folders(folder: str) -> dict[str, str]:
    """Variables with which a browser keeps everything in one folder; the user's home has the certificates he trusts."""
    variables = dict.fromkeys(("TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), folder)
    return variables | {name: os.environ[name] for name in ("HOME",) if name in os.environ}
