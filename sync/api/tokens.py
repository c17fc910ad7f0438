"""Signing in by token: simplejwt's views, documented. A refresh token serves once."""

from __future__ import annotations

import hashlib
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle
from rest_framework_simplejwt.authentication import JWTAuthentication
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
        name = str(request.data.get("username", "")).casefold() if isinstance(request.data, dict) else ""
        return f"{super().get_cache_key(request, view)}_{hashlib.sha256(name.encode()).hexdigest()}"


class ObtainView(TokenObtainPairView):
    throttle_classes = (AnonRateThrottle, LoginThrottle)
    throttle_scope = "login"

    @extend_schema(operation_id="obtainTokens", request=Credentials, responses=Tokens, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign in."""
        return super().post(request, *args, **kwargs)


class RefreshSerializer(TokenRefreshSerializer):
    """Looks at the user as every other request does: whose password is new, or who has left, gets nothing."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        JWTAuthentication().get_user(self.token_class(attrs["refresh"]))
        return super().validate(attrs)


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
