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
from sync.api.base import Envelope, Given, StrictText, user_of
from sync.api.errors import TooMany
from sync.api.tokens import Tokens, begin_sign_in


class ChangePassword(Given):
    current_password = StrictText(trim_whitespace=False, style={"input_type": "password"})
    new_password = StrictText(trim_whitespace=False, style={"input_type": "password"})


class PasswordAnswer(Envelope):
    message = serializers.CharField()
    tokens = Tokens(allow_null=True, help_text="For who asked by token. Null with a session, which goes on.")


class PasswordView(APIView):
    @extend_schema(operation_id="changePassword", request=ChangePassword, responses=PasswordAnswer)
    def post(self, request: Request) -> Response:
        """Change one's own password.

        Every other session and all tokens of the user end; the answer has new tokens. Ten wrong current passwords
        in an hour are looked at, then it is a 429.
        """
        asked = ChangePassword(data=request.data)
        asked.is_valid(raise_exception=True)
        user, new = user_of(request), asked.validated_data["new_password"]
        try:
            passwords.check_current_password(user, asked.validated_data["current_password"])
            validate_password(new, user)
        except WrongPassword:
            raise ValidationError({"currentPassword": [_("The current password is wrong.")]}) from None
        except TooManyGuesses as error:
            raise TooMany(_("Too many wrong current passwords were given."), error.seconds) from None
        except exceptions.ValidationError as error:
            raise ValidationError({"newPassword": error.messages}) from None
        passwords.change_password(user, new)
        answer: dict[str, Any] = {"message": _("The password is changed."), "tokens": None}
        if request.auth:
            token = begin_sign_in(user)
            answer["tokens"] = {"access": str(token.access_token), "refresh": str(token)}
        else:
            update_session_auth_hash(request._request, user)
        return Response(PasswordAnswer(answer).data)
