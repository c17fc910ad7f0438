"""What is kept of a session of the ERP from one operation to the next, in a file that only this user can read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.erp.browser.messages import Cookies

logger = logging.getLogger(__name__)

EXPORT_LASTS = 300.0  # seconds that the ERP may generate an export, in which the session answers nothing else [code]
SESSION_LASTS = 20 * 60.0  # seconds without a request; 20 to 30 minutes were seen
RENEWED_AFTER = 5 * 60.0  # seconds
BETWEEN_LOOKS = 0.05  # seconds, at a session that another process uses


class KeptSession:
    """The cookies of one login, and what belongs to it. Read and written by whoever holds its lock.

    `name` tells several sessions of one user apart; of another address or user than these, nothing is taken over.
    """

    def __init__(self, folder: Path, name: str, *, url: str, username: str) -> None:
        self.path = folder / f"{name}.json"
        self.owner = hashlib.sha256(f"{url}\0{username}".encode()).hexdigest()
        self.begin([])

    def begin(self, cookies: Cookies) -> None:
        """The ERP began a session: it hides columns again, and generates nothing yet."""
        self.cookies = cookies
        self.lists_with_columns: list[str] = []  # whose columns are shown in this session
        self.exporting_since: float | None = None  # of an export whose end nobody has seen: seconds since 1970
        self.used_at = 0.0  # seconds since 1970, when an operation began or ended

    @property
    def busy_seconds(self) -> float:
        """How long the ERP may still generate an export that was given up, and answer nothing else in this session."""
        since = self.exporting_since
        if since is None:
            return 0.0
        return min(max(since + EXPORT_LASTS - time.time(), 0.0), EXPORT_LASTS)

    @property
    def idle_seconds(self) -> float:
        """For how long nobody has used it; what another clock wrote is never less than nothing."""
        return max(time.time() - self.used_at, 0.0)

    @property
    def is_to_be_renewed(self) -> bool:
        """Whether it would expire if it stayed unused, and a look may use it: no operation is under way in it."""
        return self.exporting_since is None and RENEWED_AFTER < self.idle_seconds < SESSION_LASTS

    @contextmanager
    def lock(self, wait: Callable[[], None]) -> Iterator[None]:
        """Be the only one that uses this session; `wait` is called while another one does, and may raise."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    wait()
                    time.sleep(BETWEEN_LOOKS)
            self.load()
            yield
        finally:
            os.close(descriptor)

    def load(self) -> None:
        self.begin([])
        try:
            kept = json.loads(self.path.read_text())
            if kept["owner"] == self.owner:
                self.cookies = kept["cookies"]
                self.lists_with_columns = kept["lists_with_columns"]
                self.exporting_since = kept["exporting_since"]
                self.used_at = kept["used_at"]
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("%s is not readable (%r): the next operation logs in to the ERP", self.path, error)

    def save(self) -> None:
        """Write down that it is used, and what belongs to it. Who reads the file sees the old one or the new, whole."""
        self.used_at = time.time()
        kept = {
            "owner": self.owner,
            "cookies": self.cookies,
            "lists_with_columns": self.lists_with_columns,
            "exporting_since": self.exporting_since,
            "used_at": self.used_at,
        }
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.stem)  # mode 600
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(kept, file)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
