"""Changing one's own password: whoever does it says the current one."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from sync.accounts import guesses
from sync.models import SignIn

MOST = 10  # wrong current passwords in an hour: who has found an open session is not to find the password too


class WrongPassword(Exception):
    """It is not the user's current password."""


def check_current_password(user: User, password: str) -> None:
    """Raises WrongPassword, and TooManyGuesses if that has been so too often."""
    guess = guesses.count_guess(guesses.hash_parts("change password", str(user.pk)), most=MOST)
    if not user.check_password(password):
        raise WrongPassword
    guess.delete()


def change_password(user: User, password: str) -> None:
    """Save a new password. Every session and token made with the old one ends; whoever asks renews its own."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        SignIn.objects.filter(user=user).end()
