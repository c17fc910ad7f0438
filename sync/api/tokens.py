"""Signing in by token: simplejwt's views, documented. A refresh token serves once."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

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
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView


class Credentials(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField(style={"input_type": "password"}, trim_whitespace=False)


class RefreshToken(serializers.Serializer[Any]):
    refresh = serializers.CharField()


class Tokens(serializers.Serializer[Any]):
    """The access token goes into `Authorization: Bearer ...` for 15 minutes; the other one fetches new ones."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class LoginThrottle(ScopedRateThrottle):
    """Counts attempts by address and name: colleagues behind one address do not lock each other out."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        given = request.data if isinstance(request, Request) else request.POST
        name = as_signed_in(str(given.get("username", ""))) if isinstance(given, dict) else ""
        return f"{super().get_cache_key(request, view)}_{hashlib.sha256(name.encode()).hexdigest()}"


def as_signed_in(name: str) -> str:
    """A typed name as the login form takes it: variants of one are no more attempts."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def waiting_time(request: HttpRequest) -> int | None:
    """Seconds until somebody may try to sign in again; None if at once."""
    for throttle in (throttle_class() for throttle_class in ObtainView.throttle_classes):
        if not throttle.allow_request(cast(Request, request), ObtainView()):
            return round(throttle.wait() or 0)
    return None


def throttled(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page's login form, whose attempts are counted as those by token."""

    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wait = waiting_time(request) if request.method == "POST" else None
        if wait is not None:
            answer = render(request, "429.html", {"seconds": wait}, status=429)
            answer["Retry-After"] = wait
            return answer
        return view(request, *args, **kwargs)

    return counted


class ObtainView(TokenObtainPairView):
    throttle_classes = (AnonRateThrottle, LoginThrottle)
    throttle_scope = "login"

    @extend_schema(operation_id="obtainTokens", request=Credentials, responses=Tokens, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign in."""
        return super().post(request, *args, **kwargs)


class RefreshSerializer(TokenRefreshSerializer):
    """Looks at the user as every other request does, and lets a token serve once, however many ask at once."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token = self.token_class(attrs["refresh"])
        user = JWTAuthentication().get_user(token)
        claimed: Any = token.blacklist()  # the row, and whether it was made now
        if not claimed[1]:
            raise TokenError(_("Token is blacklisted"))
        fresh = self.token_class.for_user(user)
        return {"access": str(fresh.access_token), "refresh": str(fresh)}


class RefreshView(TokenRefreshView):
    serializer_class = RefreshSerializer

    @extend_schema(operation_id="refreshTokens", request=RefreshToken, responses=Tokens, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get new tokens. The refresh token that was given is used up."""
        return super().post(request, *args, **kwargs)


class BlacklistView(TokenBlacklistView):
    @extend_schema(operation_id="blacklistToken", request=RefreshToken, responses={200: None}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign out: the refresh token is of no use any more."""
        return super().post(request, *args, **kwargs)
