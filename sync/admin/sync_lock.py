"""The lock of the syncs, to look at and to break."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync.admin import columns, formatting, links, permissions
from sync.admin.buttons import LinkButton
from sync.admin.read_only import ReadOnlyAdmin
from sync.coordinator import mutex
from sync.models import SyncLock, SyncRun


@admin.register(SyncLock)
class SyncLockAdmin(ReadOnlyAdmin):
    buttons = (
        LinkButton(
            _("Break the lock…"),
            "sync.break_synclock",
            lambda lock: links.get_url(lock, "break"),
            lambda lock: lock.state != SyncLock.State.FREE,
        ),
    )
    readonly_fields = ("state", "current")
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "state",
                    "holder",
                    *columns.make_datetime_columns(SyncLock, "acquired_at", "leased_until"),
                    "token",
                    "current",
                ]
            },
        ),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Lead to the one row there is."""
        permissions.require_permission(request, SyncLock, "sync.view_synclock")
        return HttpResponseRedirect(links.get_lock_url())

    @admin.display(description=_("status"))
    def state(self, lock: SyncLock) -> str:
        return formatting.format_lock_state(lock)

    @admin.display(description=_("run in progress"))
    def current(self, lock: SyncLock) -> str:
        return links.format_link(SyncRun.objects.running().first())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.break_view))
        return [path("<int:pk>/break/", view, name="sync_synclock_break"), *super().get_urls()]

    def break_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to break the lock, and break it."""
        permissions.require_permission(request, SyncLock, "sync.break_synclock")
        lock = get_object_or_404(SyncLock, pk=pk)
        if request.method == "POST":
            if mutex.break_lock(by=permissions.get_staff_user(request)):
                messages.success(request, gettext("The lock is broken: the process that held it can no longer write."))
            else:
                messages.warning(request, gettext("No process holds the lock: there is nothing to break."))
            return HttpResponseRedirect(links.get_lock_url())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Break the lock"),
            "lock": lock,
            "state": self.state(lock),
            "acquired_at": formatting.format_datetime(lock.acquired_at),
            "leased_until": formatting.format_datetime(lock.leased_until),
            "current": self.current(lock),
        }
        return TemplateResponse(request, "admin/sync/synclock/break.html", context)
