"""Signing in by token: simplejwt's views, documented. A refresh token serves once, and a sign-in can be ended."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, NoReturn, cast

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import (
    TokenBlacklistSerializer,
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
)
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import datetime_from_epoch
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView

from sync.accounts import guesses
from sync.accounts.guesses import TooManyGuesses, as_signed_in
from sync.api.authentication import SIGN_IN
from sync.api.errors import TooManyRequests
from sync.models import SignIn

logger = logging.getLogger(__name__)


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class GivenTokenSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField()


class TokensSerializer(serializers.Serializer[Any]):
    """The access token goes into `Authorization: Bearer ...` for 15 minutes; the other one fetches new ones."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class LoginThrottle(ScopedRateThrottle):
    """Counts attempts by address and name: colleagues behind one address do not lock each other out."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        given = request.data if isinstance(request, Request) else request.POST
        name = as_signed_in(str(given.get("username", ""))) if isinstance(given, dict) else ""
        return f"{super().get_cache_key(request, view)}_{hashlib.sha256(name.encode()).hexdigest()}"


def seconds_to_wait(request: HttpRequest) -> int | None:
    """Seconds until somebody may try to sign in again; None if at once."""
    for throttle in (throttle_class() for throttle_class in ObtainView.throttle_classes):
        if not throttle.allow_request(cast(Request, request), ObtainView()):
            return round(throttle.wait() or 0)
    return None


def throttle_sign_in(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page's login form, whose attempts are counted as those by token."""

    @wraps(view)
    def count_attempt(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        name = request.POST.get("username", "")
        if (seconds := seconds_to_wait(request)) is not None:
            return too_many_attempts_response(request, seconds)
        try:
            guess = guesses.count_guess(guesses.place_of(request, name))
        except TooManyGuesses as error:
            return too_many_attempts_response(request, error.seconds)
        answer = view(request, *args, **kwargs)
        # A form that is refused comes again, whoever was signed in before.
        if answer.status_code == HTTPStatus.FOUND and as_signed_in(request.user.get_username()) == as_signed_in(name):
            guess.delete()
            guesses.remember_browser(answer, name)
        return answer

    return count_attempt


def too_many_attempts_response(request: HttpRequest, seconds: int) -> HttpResponseBase:
    facts = {"seconds": seconds, "minutes": math.ceil(seconds / 60)}
    answer = render(request, "429.html", facts, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(seconds)
    return answer


class ObtainSerializer(TokenObtainPairSerializer):
    """Begins a sign-in, which all of its tokens name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = serializers.CharField(trim_whitespace=False)  # simplejwt's own takes spaces off

    @classmethod
    def get_token(cls, user: Any) -> RefreshToken:
        return begin_sign_in(user)


def begin_sign_in(user: User) -> RefreshToken:
    token = RefreshToken.for_user(user)
    sign_in = SignIn.objects.create(user=user, refresh_token=token["jti"], expires_at=datetime_from_epoch(token["exp"]))
    token[SIGN_IN] = str(sign_in.pk)
    return token


class ObtainView(TokenObtainPairView):
    serializer_class = ObtainSerializer
    throttle_classes = (AnonRateThrottle, LoginThrottle)
    throttle_scope = "login"

    @extend_schema(operation_id="obtainTokens", request=CredentialsSerializer, responses=TokensSerializer, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign in. Of one name at most 100 wrong passwords are looked at in an hour; then it is a 429."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            guess = guesses.count_guess(guesses.place_of(request._request, given.validated_data["username"]))
        except TooManyGuesses as error:
            raise TooManyRequests(_("Too many wrong passwords were given for this name."), error.seconds) from None
        answer = super().post(request, *args, **kwargs)
        guess.delete()
        return answer

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        text = _("Too many attempts to sign in, with this name or from this address.")
        raise TooManyRequests(text, math.ceil(wait or 1))


class RefreshSerializer(TokenRefreshSerializer):
    """Looks at the user as every other request does, and lets a token serve once, however many ask at once."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token = RefreshToken(attrs["refresh"])
        user = JWTAuthentication().get_user(token)
        sign_in = SignIn.objects.live().filter(pk=token.get(SIGN_IN), user_id=user.pk)
        fresh = RefreshToken.for_user(user)
        fresh[SIGN_IN] = token.get(SIGN_IN)
        expires_at = datetime_from_epoch(fresh["exp"])
        if not sign_in.filter(refresh_token=token["jti"]).update(refresh_token=fresh["jti"], expires_at=expires_at):
            if sign_in.end():  # it was stolen, or its owner's successor was: who of the two asks cannot be known
                logger.warning(
                    "A refresh token of %r was used twice: all tokens of that sign-in end", user.get_username()
                )
            raise TokenError(_("You are no longer signed in: sign in again."))
        return {"access": str(fresh.access_token), "refresh": str(fresh)}


class RefreshView(TokenRefreshView):
    serializer_class = RefreshSerializer

    @extend_schema(operation_id="refreshTokens", request=GivenTokenSerializer, responses=TokensSerializer, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get new tokens. The refresh token that was given is used up.

        If it is given once more, it is taken for stolen: all tokens that came from the same sign-in end.
        """
        return super().post(request, *args, **kwargs)


class BlacklistSerializer(TokenBlacklistSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token = RefreshToken(attrs["refresh"])
        if not SignIn.objects.filter(pk=token.get(SIGN_IN)).end():
            raise TokenError(_("You are no longer signed in: sign in again."))
        return {}


class BlacklistView(TokenBlacklistView):
    serializer_class = BlacklistSerializer

    @extend_schema(operation_id="blacklistToken", request=GivenTokenSerializer, responses={200: None}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign out: all tokens that came from the same sign-in end at once, the access token too."""
        return super().post(request, *args, **kwargs)
