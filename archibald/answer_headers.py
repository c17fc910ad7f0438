"""What every answer tells browsers and caches.

`Date` is by the clock that all else in an answer goes by: pages count from it, not from their own clock. The content
security policy says what a page may load. Nothing is cached unless an answer says so.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date

from sync.database import clock

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",  # neither scripts nor styles within a page
        "img-src 'self' data:",  # the styles of the admin and of Swagger UI hold some
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
NOT_USED = ("accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in NOT_USED)
DEBUG_PAGES = (400, 404, 500)  # of Django, with DEBUG: scripts and styles are within them


class AnswerHeaders:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        answer.headers["Date"] = http_date(clock.estimate_now().timestamp())
        answer.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        answer.headers.setdefault("Cache-Control", "no-store")
        if not (settings.DEBUG and answer.status_code in DEBUG_PAGES):
            answer.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        if request.path.startswith("/api/"):
            patch_vary_headers(answer, ["Authorization", "Cookie"])  # whichever of the two said who asks
        return answer
