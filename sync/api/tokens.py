"""Signing in by token: simplejwt's views, documented. A refresh token serves once, and a sign-in can be ended."""

from __future__ import annotations

import logging
import math
from typing import Any, NoReturn

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt import authentication, exceptions, utils, views
from rest_framework_simplejwt import serializers as jwt_serializers
from rest_framework_simplejwt.tokens import RefreshToken

from sync.accounts import guesses
from sync.accounts.guesses import TooManyGuesses
from sync.api.authentication import SIGN_IN
from sync.api.errors import TooManyRequests
from sync.api.sign_in import THROTTLES
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


class ObtainSerializer(jwt_serializers.TokenObtainPairSerializer):
    """Begins a sign-in, which all of its tokens name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = serializers.CharField(trim_whitespace=False)  # simplejwt's own takes spaces off

    @classmethod
    def get_token(cls, user: Any) -> RefreshToken:
        return begin_sign_in(user)


def begin_sign_in(user: User) -> RefreshToken:
    token = RefreshToken.for_user(user)
    sign_in = SignIn.objects.create(
        user=user, refresh_token=token["jti"], expires_at=utils.datetime_from_epoch(token["exp"])
    )
    token[SIGN_IN] = str(sign_in.pk)
    return token


class ObtainView(views.TokenObtainPairView):
    serializer_class = ObtainSerializer
    throttle_classes = THROTTLES

    @extend_schema(operation_id="obtainTokens", request=CredentialsSerializer, responses=TokensSerializer, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign in. After 100 wrong passwords for one name within an hour the answer is a 429."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            guess = guesses.count_guess(guesses.identify_guesser(request._request, given.validated_data["username"]))
        except TooManyGuesses as error:
            raise TooManyRequests(_("Too many wrong passwords were given for this name."), error.seconds) from None
        answer = super().post(request, *args, **kwargs)
        guess.delete()
        return answer

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        text = _("Too many attempts to sign in, with this name or from this address.")
        raise TooManyRequests(text, math.ceil(wait or 1))


class RefreshSerializer(jwt_serializers.TokenRefreshSerializer):
    """Looks at the user as every other request does, and lets a token serve once, however many ask at once."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token = RefreshToken(attrs["refresh"])
        user = authentication.JWTAuthentication().get_user(token)
        sign_in = SignIn.objects.live().filter(pk=token.get(SIGN_IN), user_id=user.pk)
        fresh = RefreshToken.for_user(user)
        fresh[SIGN_IN] = token.get(SIGN_IN)
        expires_at = utils.datetime_from_epoch(fresh["exp"])
        if not sign_in.filter(refresh_token=token["jti"]).update(refresh_token=fresh["jti"], expires_at=expires_at):
            if sign_in.end():  # it was stolen, or its owner's successor was: who of the two asks cannot be known
                logger.warning(
                    "A refresh token of %r was used twice: all tokens of that sign-in end", user.get_username()
                )
            raise exceptions.TokenError(_("You are no longer signed in: sign in again."))
        return {"access": str(fresh.access_token), "refresh": str(fresh)}


class RefreshView(views.TokenRefreshView):
    serializer_class = RefreshSerializer

    @extend_schema(operation_id="refreshTokens", request=GivenTokenSerializer, responses=TokensSerializer, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get new tokens. The refresh token that was given is used up.

        If it is given once more, it is taken for stolen: all tokens that came from the same sign-in end.
        """
        return super().post(request, *args, **kwargs)


class BlacklistSerializer(jwt_serializers.TokenBlacklistSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token = RefreshToken(attrs["refresh"])
        if not SignIn.objects.filter(pk=token.get(SIGN_IN)).end():
            raise exceptions.TokenError(_("You are no longer signed in: sign in again."))
        return {}


class BlacklistView(views.TokenBlacklistView):
    serializer_class = BlacklistSerializer

    @extend_schema(operation_id="blacklistToken", request=GivenTokenSerializer, responses={200: None}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign out: all tokens that came from the same sign-in end at once, the access token too."""
        return super().post(request, *args, **kwargs)
