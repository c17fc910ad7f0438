"""The page on which somebody changes his own password."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import ngettext

from sync.accounts import passwords
from sync.accounts.guesses import TooManyGuesses
from sync.accounts.passwords import WrongPassword


class PasswordForm(PasswordChangeForm):
    wait: int | None = None  # seconds

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        try:
            passwords.check_current_password(self.user, password)
        except WrongPassword:
            code = "password_incorrect"
            raise ValidationError(self.error_messages[code], code=code) from None
        except TooManyGuesses as error:
            self.wait = error.seconds
            minutes = math.ceil(error.seconds / 60)
            text = ngettext(
                "Too many wrong passwords: wait {minutes} minute, then try again.",
                "Too many wrong passwords: wait {minutes} minutes, then try again.",
                minutes,
            )
            raise ValidationError(text.format(minutes=minutes), code="throttled") from None
        return password

    def save(self, commit: bool = True) -> User:
        passwords.change_password(self.user, self.cleaned_data["new_password1"])
        return self.user


class PasswordView(PasswordChangeView):
    """Asks for the current password and a new one. The session goes on, all others of the user end."""

    form_class = PasswordForm
    template_name = "account/password.html"
    success_url = reverse_lazy("password_changed")

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        if form.wait:
            answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
            answer["Retry-After"] = str(form.wait)
        return answer
