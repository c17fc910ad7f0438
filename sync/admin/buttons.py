"""Buttons of a row's page: what people may do with the row, and where they may go from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from sync.admin import links, permissions
from sync.exceptions import SyncError
from sync.models import SyncRun
from sync.translations import translate

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@dataclass(frozen=True)
class Button:
    """Does something with the row, by POST; it is an action of the list too.

    The action returns the sentence to say, or the run it has asked for; or raises a SyncError, whose sentence is said.
    """

    name: str  # in the address
    label: Any
    permission: str
    condition: Callable[[Any], bool]  # whether the row's page shows it
    action: Callable[..., str | SyncRun]
    list_label: Any = None  # in the list, where that says more


@dataclass(frozen=True)
class LinkButton:
    """Leads to another page."""

    label: Any
    permission: str
    url: Callable[[Any], str]
    condition: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class ShownButton:
    """Something to press on a page: a form that does it, or a link that leads there."""

    label: Any
    url: str
    is_form: bool = False


class ButtonsAdmin(ModelAdmin):
    """Rows whose pages have buttons."""

    buttons: Sequence[Button | LinkButton] = ()
    action_permissions: Mapping[str, str] = {}  # by the action's name, of actions that are no buttons

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self.buttons_by_name = {button.name: button for button in self.buttons if isinstance(button, Button)}
        self.actions = [*(self.actions or ()), *map(make_list_action, self.buttons_by_name.values())]
        self.action_permissions = {
            **self.action_permissions,
            **{name: button.permission for name, button in self.buttons_by_name.items()},
        }

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Only those that one has the permission for. Django 5.2 knows no locations of actions."""
        location = {"action_location": action_location} if action_location else {}
        return {
            name: action
            for name, action in super().get_actions(request, **location).items()
            if name not in self.action_permissions or request.user.has_perm(self.action_permissions[name])
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say which permission a chosen action lacks: Django would only say that none was chosen."""
        for name in request.POST.getlist("action"):
            if permission := self.action_permissions.get(name):
                permissions.require_permission(request, self.model, permission)
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[URLPattern]:
        urls = super().get_urls()
        if self.buttons_by_name:
            view = self.admin_site.admin_view(require_POST(self.button_view))
            urls.insert(0, path("<path:object_id>/do/<slug:name>/", view, name=f"sync_{self.opts.model_name}_do"))
        return urls

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context["buttons"] = self.get_shown_buttons(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def get_shown_buttons(self, request: HttpRequest, row: models.Model) -> list[ShownButton]:
        """Those that fit the row as it is, for who has the permission."""
        return [
            ShownButton(button.label, links.get_button_url(row, button.name), is_form=True)
            if isinstance(button, Button)
            else ShownButton(button.label, button.url(row))
            for button in self.buttons
            if permissions.has_permission(request, button.permission)
            and (button.condition is None or button.condition(row))
        ]

    def button_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Do what a button of a row's page does."""
        button = self.buttons_by_name.get(name)
        if button is None:
            raise Http404
        permissions.require_permission(request, self.model, button.permission)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        run = run_button(request, button, row)
        return links.redirect_to_next(request, run or row)


def run_button(request: HttpRequest, button: Button, row: models.Model) -> SyncRun | None:
    """Do it, say what came of it, and return the run to look at, if there is one."""
    try:
        result = button.action(row, by=request.user)
    except SyncError as error:
        messages.error(request, translate(error.text))
        return None
    if isinstance(result, SyncRun):
        messages.success(request, links.describe_queued_run(result))
        return result
    messages.success(request, result)
    return None


def make_list_action(button: Button) -> Any:
    """The action of the list that does with all chosen rows what the button does with one."""

    @admin.action(description=button.list_label or button.label)
    def act(_admin: ButtonsAdmin, request: HttpRequest, rows: models.QuerySet[Any]) -> None:
        for row in rows:
            run_button(request, button, row)

    act.__name__ = button.name
    return act
