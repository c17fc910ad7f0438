"""Texts of libraries that have no Italian of their own: named here, they are among ours to translate."""

from __future__ import annotations

from django.utils.translation import gettext_noop, ngettext_lazy

TEXTS = (
    # django, of whose texts the Italian has another placeholder
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    # djangorestframework
    gettext_noop("Must be a valid UUID."),
    gettext_noop("Must be a valid boolean."),
    gettext_noop("Ensure this field has at least {min_length} elements."),
    gettext_noop("Ensure this field has no more than {max_length} elements."),
    # djangorestframework-simplejwt
    gettext_noop("No active account found with the given credentials"),
    gettext_noop("Given token not valid for any token type"),
    gettext_noop("Authorization header must contain two space-delimited values"),
    gettext_noop("Token is invalid"),
    gettext_noop("Token is expired"),
    gettext_noop("Token has wrong type"),
    gettext_noop("User is inactive"),
    gettext_noop("User not found"),
    gettext_noop("The user's password has been changed."),
)
