"""When an answer was made, by the clock that all else in it goes by: pages count from there, not from their own."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.http import http_date

from sync.database import clock


class DateHeader:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response["Date"] = http_date(clock.estimate_now().timestamp())
        return response
