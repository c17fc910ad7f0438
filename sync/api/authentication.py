"""Who asks: the API's own check of access tokens."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import auth
from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

from sync.models import SignIn

SIGN_IN = "sign_in"  # the claim that names the sign-in a token came from


class TokenAuthentication(JWTAuthentication):
    """Accepts a token while its sign-in is live. One that names none is of before sign-ins were kept: it is refused."""

    def get_user(self, validated_token: Token) -> Any:
        user = super().get_user(validated_token)
        if not SignIn.objects.live().filter(pk=validated_token.get(SIGN_IN), user_id=user.pk).exists():
            raise InvalidToken(_("You are no longer signed in: sign in again."))
        return user


def is_still_signed_in(request: Request) -> bool:
    """Whether who made a request some time ago could make it now, and is staff if he was."""
    try:
        token = cast(Token | None, request.auth)
        user = TokenAuthentication().get_user(token) if token else get_session_user(request._request)
    except AuthenticationFailed:
        return False
    return bool(user.is_authenticated and user.is_staff == request.user.is_staff)


def get_session_user(request: HttpRequest) -> Any:
    """Who is signed in by a request's session as it is now, whatever it was when the request came."""
    again = HttpRequest()
    again.session = type(request.session)(request.session.session_key)
    return auth.get_user(again)


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """Tells drf-spectacular that it is simplejwt's."""

    target_class = TokenAuthentication  # type: ignore[assignment]
