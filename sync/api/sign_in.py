"""How often somebody may try to sign in, by token or in a page's form."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle
from rest_framework.views import APIView

from sync.accounts import guesses
from sync.accounts.guesses import TooManyGuesses


class LoginThrottle(UserRateThrottle):
    """Counts attempts by address and name: colleagues behind one address do not lock each other out."""

    scope = "login"

    def get_cache_key(self, request: Request, view: Any) -> str:
        given = request.data if isinstance(request, Request) else request.POST
        name = guesses.normalise_name(str(given.get("username", ""))) if isinstance(given, dict) else ""
        return f"{super().get_cache_key(request, view)}_{hashlib.sha256(name.encode()).hexdigest()}"


THROTTLES = (AnonRateThrottle, LoginThrottle)


def throttle_sign_in(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page's login form, whose attempts are counted as those by token."""

    @wraps(view)
    def count_attempt(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        name = request.POST.get("username", "")
        if (seconds := find_wait(request)) is not None:
            return make_too_many_attempts_response(request, seconds)
        try:
            guess = guesses.count_guess(guesses.identify_guesser(request, name))
        except TooManyGuesses as error:
            return make_too_many_attempts_response(request, error.seconds)
        answer = view(request, *args, **kwargs)
        # A form that is refused comes again, whoever was signed in before.
        is_his = guesses.normalise_name(request.user.get_username()) == guesses.normalise_name(name)
        if answer.status_code == HTTPStatus.FOUND and is_his:
            guess.delete()
            guesses.remember_browser(answer, name)
        return answer

    return count_attempt


def find_wait(request: HttpRequest) -> int | None:
    """Seconds until somebody may try to sign in again; None if at once."""
    for throttle in (throttle_class() for throttle_class in THROTTLES):
        if not throttle.allow_request(cast(Request, request), APIView()):
            return round(throttle.wait() or 0)
    return None


def make_too_many_attempts_response(request: HttpRequest, seconds: int) -> HttpResponseBase:
    facts = {"seconds": seconds, "minutes": math.ceil(seconds / 60)}
    answer = render(request, "429.html", facts, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer
