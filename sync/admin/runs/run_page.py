"""A run's own page: what happened to it, and all its fields."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from sync.admin import permissions
from sync.admin.event_facts import EVENT_KINDS
from sync.admin.read_only import ReadOnlyAdmin
from sync.admin.runs import acceptance, downloads
from sync.admin.runs.run_story import get_story
from sync.list_names import get_list_name
from sync.models import SyncRun


class RunPageAdmin(ReadOnlyAdmin):
    """Runs, each on its page."""

    def get_urls(self) -> list[URLPattern]:
        view, story_view = self.admin_site.admin_view, require_GET(self.story_view)
        return [
            path("<int:pk>/story/", view(story_view), name="sync_syncrun_story"),
            path("<int:pk>/accept/", view(acceptance.accept_view), name="sync_syncrun_accept"),
            path("<int:pk>/export/", view(downloads.export_view), name="sync_syncrun_export"),
            path("<int:pk>/failure/<str:kind>/", view(downloads.failure_file_view), name="sync_syncrun_failure"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The run's page: what happened, and all fields."""
        run = self.get_object(request, unquote(object_id))
        if run is None or request.method == "POST" or not self.has_view_permission(request, run):
            return super().change_view(request, object_id, form_url, extra_context)  # which says that it cannot be
        fieldsets: Any = self.get_fieldsets(request, run)
        names = flatten_fieldsets(fieldsets)
        form = self.get_form(request, run, change=True, fields=names)(instance=run)
        context = {
            **self.admin_site.each_context(request),
            **self.get_story_context(request, run),
            "opts": self.opts,
            "title": gettext("%(list)s, run %(number)s")
            % {"list": capfirst(get_list_name(run.sync_type)), "number": run.pk},
            "original": run,
            "has_view_permission": True,
            "media": self.media,
            "live_kinds": EVENT_KINDS,
            "adminform": AdminForm(form, fieldsets, {}, names, model_admin=self),
        }
        return TemplateResponse(request, "admin/sync/syncrun/change_form.html", context)

    def story_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What happened, alone, for the page to follow."""
        permissions.require_permission(request, SyncRun, "sync.view_syncrun")
        run = self.get_object(request, str(pk))
        if run is None:
            raise Http404
        return TemplateResponse(request, "admin/sync/syncrun/story.html", self.get_story_context(request, run))

    def get_story_context(self, request: HttpRequest, run: SyncRun) -> dict[str, Any]:
        return {"buttons": self.get_shown_buttons(request, run), "story": get_story(request, run)}
