"""Rows that keep accounts safe: who is signed in by token, and how often passwords were guessed."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.database import clock


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Who is signed in by token."""

    def live(self) -> SignInQuerySet:
        """Those whose tokens are accepted, until they expire."""
        return self.filter(ended_at=None)

    def end(self) -> int:
        """Refuse all tokens of these from now on; how many were live."""
        return self.live().update(ended_at=clock.now())


class SignIn(models.Model):
    """One time that somebody signed in by token: all refresh and access tokens that came from it name it.

    It is live until it is signed out, its refresh token is used a second time, or the password changes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("user"))
    refresh_token = models.CharField(
        _("refresh token"),
        max_length=32,
        help_text=_("The `jti` of the only refresh token that has not been used yet."),
    )
    began_at = models.DateTimeField(_("began"), default=clock.now)
    expires_at = models.DateTimeField(_("expires"), help_text=_("When the last refresh token of this sign-in expires."))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        default_permissions = ()  # on no page of the admin

    def __str__(self) -> str:
        return f"{self.user} {self.began_at:%Y-%m-%d %H:%M}"


class PasswordGuess(models.Model):
    """One time that somebody gave a password: a wrong one, or one that is still being looked at."""

    counted_as = models.CharField(
        _("counted as"),
        max_length=64,
        help_text=_("A fingerprint of the user name and of the place for which attempts are counted."),
    )
    at = models.DateTimeField(_("time"), default=clock.now)

    class Meta:
        verbose_name = _("password guess")
        verbose_name_plural = _("password guesses")
        default_permissions = ()
        indexes = [models.Index(fields=["counted_as", "at"], name="guesses_of_name")]

    def __str__(self) -> str:
        return f"{self.counted_as[:8]} {self.at:%Y-%m-%d %H:%M}"
