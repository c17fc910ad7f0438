"""What somebody does with his own account by the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core import exceptions
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sync.accounts import passwords
from sync.accounts.guesses import TooManyGuesses
from sync.accounts.passwords import WrongPassword
from sync.api.base import AnswerSerializer, StrictSerializer, get_user
from sync.api.errors import TooManyRequests
from sync.api.fields import StrictCharField
from sync.api.tokens import TokensSerializer, begin_sign_in


class ChangePasswordSerializer(StrictSerializer):
    current_password = StrictCharField(trim_whitespace=False, style={"input_type": "password"})
    new_password = StrictCharField(trim_whitespace=False, style={"input_type": "password"})


class PasswordAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    tokens = TokensSerializer(
        allow_null=True, help_text="New tokens, if the request came with a token; null with a session, which continues."
    )


class PasswordView(APIView):
    @extend_schema(operation_id="changePassword", request=ChangePasswordSerializer, responses=PasswordAnswerSerializer)
    def post(self, request: Request) -> Response:
        """Change one's own password.

        Every other session and all tokens of the user end; the answer has new tokens. Ten wrong current passwords
        in an hour are looked at, then it is a 429.
        """
        serializer = ChangePasswordSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user, new = get_user(request), serializer.validated_data["new_password"]
        try:
            passwords.check_current_password(user, serializer.validated_data["current_password"])
            validate_password(new, user)
        except WrongPassword:
            raise ValidationError({"currentPassword": [_("The current password is wrong.")]}) from None
        except TooManyGuesses as error:
            raise TooManyRequests(_("Too many wrong current passwords were given."), error.seconds) from None
        except exceptions.ValidationError as error:
            raise ValidationError({"newPassword": error.messages}) from None
        passwords.change_password(user, new)
        answer: dict[str, Any] = {"message": _("The password is changed."), "tokens": None}
        if request.auth:
            token = begin_sign_in(user)
            answer["tokens"] = {"access": str(token.access_token), "refresh": str(token)}
        else:
            update_session_auth_hash(request._request, user)
        return Response(PasswordAnswerSerializer(answer).data)
