"""Requests that are refused before Django sees them, and what their clients are told."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import trans_real

from sync.api.errors import make_error_body

LARGEST_HEAD = 2**15  # bytes
TRY_AGAIN_AFTER = 5  # seconds

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]


class Refused(Exception):
    """A request is not let in."""

    def __init__(self, status: HTTPStatus, code: str, text: Promise, **facts: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.facts = facts


def check_head(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Raises Refused."""
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope["path"]) + len(scope["query_string"]) > LARGEST_HEAD:
        text = _("The request's headers are larger than {bytes} bytes.")
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", text, bytes=LARGEST_HEAD)
    if b"transfer-encoding" in headers:
        text = _("Send the length of the body in the header Content-Length.")
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "length_required", text)
    length = headers.get(b"content-length", b"0")
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length.isdigit() and int(length) > largest:
        text = _("The request's body is larger than {bytes} bytes.")
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", text, bytes=largest)


def choose_language(headers: dict[bytes, bytes]) -> str:
    """The first language of Accept-Language that there is."""
    accepted = headers.get(b"accept-language", b"").decode("latin-1")
    for code, _weight in trans_real.parse_accept_lang_header(accepted):
        with contextlib.suppress(LookupError):
            return trans_real.get_supported_language_variant(code)
    return settings.LANGUAGE_CODE


async def send_refusal(refusal: Refused, send: Send, *, language: str) -> None:
    with translation.override(language):
        text = str(refusal.text).format(**refusal.facts)
    body = json.dumps(make_error_body(text, refusal.code, {})).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(TRY_AGAIN_AFTER).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
