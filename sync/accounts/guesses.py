"""How often passwords may be guessed: counted in the database, by all processes together, across restarts.

Of one name at most MOST wrong passwords are looked at in an hour, whoever gives them, from wherever. Else anybody could
keep an agent out by using them up: a browser in which he has signed in before has a number of its own.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import get_random_string, salted_hmac

from sync.database import clock
from sync.models import PasswordGuess

WITHIN = timedelta(hours=1)
MOST = 100  # NIST SP 800-63B-4, 3.2.2: no more than 100
KNOWN_FOR = timedelta(days=180)  # since the last time that somebody signed in there
SALT = "sync.guesses"


class TooManyGuesses(Exception):
    """The password is not looked at before `seconds` have passed."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


def count_guess(counted_as: str, *, most: int = MOST) -> PasswordGuess:
    """Count a guess, before the password is looked at: if it is right, delete it. Raises TooManyGuesses."""
    now = clock.now()
    recent = PasswordGuess.objects.filter(counted_as=counted_as, at__gt=now - WITHIN)
    if recent.count() < most:
        guess = PasswordGuess.objects.create(counted_as=counted_as)
        if recent.count() <= most:  # each is written before it counts: of those that come together, the last sees all
            return guess
        guess.delete()
    latest = list(recent.order_by("-at").values_list("at", flat=True)[:most])
    wait = latest[-1] + WITHIN - now if len(latest) == most else timedelta(0)  # others have just been right
    raise TooManyGuesses(max(1, math.ceil(wait.total_seconds())))


def normalise_name(name: str) -> str:
    """A typed name as the login form takes it: variants of one are no more attempts."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def hash_parts(*parts: str) -> str:
    """What stands for a name in the database and in a cookie's: nobody reads from it who tries to sign in."""
    return salted_hmac(SALT, "\0".join(parts), algorithm="sha256").hexdigest()


def name_cookie(name: str) -> str:
    """The cookie of a browser in which this name has signed in; a browser may be shared by several."""
    return f"device-{hash_parts(normalise_name(name))[:32]}"


def identify_guesser(request: HttpRequest, name: str) -> str:
    """Who guesses this name's password, as it is counted: anybody, or a browser in which the name has signed in."""
    lasts = int(KNOWN_FOR.total_seconds())
    browser = request.get_signed_cookie(name_cookie(name), None, salt=SALT, max_age=lasts)
    return hash_parts("sign in", normalise_name(name), browser or "")


def remember_browser(answer: HttpResponseBase, name: str) -> None:
    """Let the browser prove later that this name has signed in there."""
    answer.set_signed_cookie(
        name_cookie(name),
        get_random_string(22),
        salt=SALT,
        max_age=KNOWN_FOR,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
