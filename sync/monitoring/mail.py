"""Mail over connections that another thread can cut: a server that answers slowly has no end of its own."""

from __future__ import annotations

import logging
import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.mail.backends import smtp

from sync.erp.severable import Line

logger = logging.getLogger(__name__)

current_line: ContextVar[Line | None] = ContextVar("current_line", default=None)


@contextmanager
def on_line(line: Line) -> Iterator[None]:
    """What this thread mails in here goes over connections that belong to a line."""
    before = current_line.set(line)
    try:
        yield
    finally:
        current_line.reset(before)


class Connection(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in the stubs
        if line := current_line.get():
            line.add(connected)
        return connected

    def sendmail(self, from_addr: str, to_addrs: str | Sequence[str], *args: Any, **options: Any) -> Any:
        """Say which addresses were refused, if some were and others were not: Django would not."""
        refused = super().sendmail(from_addr, to_addrs, *args, **options)
        for address, (code, text) in refused.items():
            logger.warning("The mail server refused %s: %s %s", address, code, text.decode(errors="replace"))
        return refused


class SecureConnection(smtplib.SMTP_SSL, Connection):
    """TLS from the first byte: it begins on the socket that the other class has made."""


class EmailBackend(smtp.EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return SecureConnection if self.use_ssl else Connection
