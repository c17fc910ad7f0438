"""Static files, whatever the server."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Answers with whole files: as streams, Django would read them whole under ASGI too, and warn of it."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        # What was compressed on the way has a weak ETag.
        if "HTTP_IF_NONE_MATCH" in request.META:
            request.META["HTTP_IF_NONE_MATCH"] = request.META["HTTP_IF_NONE_MATCH"].removeprefix("W/")
        stream = WhiteNoiseMiddleware.serve(static_file, request)
        response = HttpResponse(b"".join(stream), status=stream.status_code)
        del response["Content-Type"]
        for name, value in stream.items():
            response[name] = value
        stream.close()
        return response
