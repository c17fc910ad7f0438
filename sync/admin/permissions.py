"""Permission checks, which tell people what permission they lack and whom to ask for it."""

from __future__ import annotations

from typing import cast

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views import defaults

# Django makes these names, where nobody finds them to translate.
NAMED_BY_DJANGO = (
    gettext_noop("Can view run"),
    gettext_noop("Can view schedule"),
    gettext_noop("Can change schedule"),
    gettext_noop("Can view lock"),
    gettext_noop("Can view order-form session"),
    gettext_noop("Can view alert"),
)


class MissingPermission(PermissionDenied):
    """Somebody lacks a permission. The text is for them to read."""

    def __init__(self, permission: str) -> None:
        app_label, codename = permission.split(".")
        names = Permission.objects.filter(content_type__app_label=app_label, codename=codename)
        name = gettext(names.values_list("name", flat=True).get())  # as the page of a group shows it
        text = gettext(
            "This requires the permission “%s”, which your account does not have. If you need it, ask an administrator."
        )
        super().__init__(text % name)


def get_staff_user(request: HttpRequest) -> User:
    """Who asks: on the admin's pages nobody who has not signed in."""
    return cast(User, request.user)


def has_permission(request: HttpRequest, permission: str) -> bool:
    """Whoever may change rows may view them too, as everywhere in the admin."""
    app_label, codename = permission.split(".")
    action, _, model_name = codename.partition("_")
    if action == "view":
        return may_view(request, apps.get_model(app_label, model_name))
    return request.user.has_perm(permission)


def require_permission(request: HttpRequest, model: type[models.Model], permission: str) -> None:
    """Raises MissingPermission for who may not see the model's rows, or lacks the permission."""
    if not may_view(request, model):
        opts = model._meta
        raise MissingPermission(f"{opts.app_label}.{get_permission_codename('view', opts)}")
    if not request.user.has_perm(permission):
        raise MissingPermission(permission)


def may_view(request: HttpRequest, model: type[models.Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page that refuses, with the reason if it was written for whoever is refused."""
    reason = exception if isinstance(exception, MissingPermission) else PermissionDenied()
    return defaults.permission_denied(request, reason)
