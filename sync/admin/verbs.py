"""What people may do with a row: a button of its page and an action of the list, which both say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth.models import User
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from sync import error_texts
from sync.admin.formatting import describe_queued_run
from sync.admin.links import get_next_url, get_run_url
from sync.admin.permissions import require_permission
from sync.admin.read_only import ToolsAdmin
from sync.exceptions import SyncError
from sync.models import SyncRun


@dataclass(frozen=True)
class Verb:
    """One thing to do with a row.

    `do` gives the sentence to say, or the run it has asked for; or raises a SyncError, whose sentence is said.
    """

    name: str
    label: Any
    permission: str
    do: Callable[..., str | SyncRun]
    fits: Callable[[Any], bool]  # whether the row's page shows the button
    action: Any = None  # the label in the list, where that says more

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.permission)


class VerbsAdmin(ToolsAdmin):
    """Rows that people may do something with. Nothing is done but by POST."""

    verbs: tuple[Verb, ...] = ()

    def allowed_verbs(self, request: HttpRequest) -> list[Verb]:
        return [verb for verb in self.verbs if verb.is_allowed(request)] if self.has_view_permission(request) else []

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self.actions = [*(self.actions or ()), *map(self.action_of, self.verbs)]

    def permissions_of_actions(self) -> dict[str, str]:
        return {verb.name: verb.permission for verb in self.verbs}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say which permission a chosen action lacks: Django would only say that none was chosen."""
        for name in request.POST.getlist("action"):
            if permission := self.permissions_of_actions().get(name):
                require_permission(self, request, permission)
        return super().changelist_view(request, extra_context)

    def action_of(self, verb: Verb) -> Any:
        """The list's action, which Django shows to whoever has its permission by this class's word."""

        def is_allowed(request: HttpRequest) -> bool:
            return verb in self.allowed_verbs(request)

        def act(page: VerbsAdmin, request: HttpRequest, rows: models.QuerySet[Any]) -> None:
            for row in rows:
                page.do(verb, request, row)

        act.__name__ = verb.name
        setattr(self, f"has_{verb.name}_permission", is_allowed)
        return admin.action(act, description=verb.action or verb.label, permissions=[verb.name])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.verb_view))
        return [
            path("<path:object_id>/do/<slug:name>/", view, name=f"sync_{self.opts.model_name}_do"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = context["original"]
        context["verbs"] = self.fitting_verbs(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def fitting_verbs(self, request: HttpRequest, row: models.Model) -> list[tuple[Any, str]]:
        """What one may do with a row as it is: labels and addresses."""
        verbs = (verb for verb in self.allowed_verbs(request) if verb.fits(row))
        return [(verb.label, self.verb_address(verb, row)) for verb in verbs]

    def verb_address(self, verb: Verb, row: models.Model) -> str:
        return reverse(f"admin:sync_{self.opts.model_name}_do", args=[quote(row.pk), verb.name])

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        verb = next((verb for verb in self.verbs if verb.name == name), None)
        if verb is None:
            raise Http404
        require_permission(self, request, verb.permission)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        run = self.do(verb, request, row)
        page = get_run_url(run) if run else reverse(f"admin:sync_{self.opts.model_name}_change", args=[quote(row.pk)])
        return HttpResponseRedirect(get_next_url(request) or page)

    def do(self, verb: Verb, request: HttpRequest, row: models.Model) -> SyncRun | None:
        """Do it, say what came of it, and give the run to look at, if there is one."""
        try:
            said = verb.do(row, by=cast(User, request.user))
        except SyncError as error:
            self.message_user(request, error_texts.told(error), messages.ERROR)
            return None
        self.message_user(request, describe_queued_run(said) if isinstance(said, SyncRun) else said, messages.SUCCESS)
        return said if isinstance(said, SyncRun) else None
