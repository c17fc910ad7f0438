"""The lock of the syncs, to look at and to break."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync.admin.parts import (
    badge,
    moment,
    time_in,
)
from sync.admin.read_only import ReadOnlyAdmin, link
from sync.admin.refusals import require
from sync.coordinator import mutex
from sync.models import SyncLock, SyncRun


def lock_address(page: str) -> str:
    return reverse(f"admin:sync_synclock_{page}", args=[SyncLock.THE_ROW])


@admin.register(SyncLock)
class SyncLockAdmin(ReadOnlyAdmin):
    change_form_template = "admin/sync/synclock/page.html"
    readonly_fields = ("state", "current")
    fieldsets = (
        (
            None,
            {
                "fields": [
                    "state",
                    "holder",
                    time_in(SyncLock, "acquired_at"),
                    time_in(SyncLock, "leased_until"),
                    "token",
                    "current",
                ]
            },
        ),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one row there is."""
        require(self, request, "sync.view_synclock")
        return HttpResponseRedirect(lock_address("change"))

    @admin.display(description=_("status"))
    def state(self, lock: SyncLock) -> SafeString:
        if lock.leased_until is None:
            return badge("✓", _("free"), "succeeded")
        if SyncLock.objects.held().exists():
            return badge("▶", _("held"), "running")
        return badge("⚠", _("not renewed: whoever comes next takes it"), "quarantined")

    @admin.display(description=_("run in progress"))
    def current(self, lock: SyncLock) -> SafeString | str:
        return link(SyncRun.objects.running().first())

    def tools(self, request: HttpRequest, lock: SyncLock) -> list[tuple[Any, str]]:
        if self.has_break_permission(request) and lock.leased_until:
            return [(_("Break the lock…"), lock_address("break"))]
        return []

    def has_break_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.break_synclock") and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.break_view))
        return [path("<int:pk>/break/", view, name="sync_synclock_break"), *super().get_urls()]

    def break_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to break the lock, and break it."""
        require(self, request, "sync.break_synclock")
        lock = get_object_or_404(SyncLock, pk=pk)
        if request.method == "POST":
            self.break_lock(request)
            return HttpResponseRedirect(lock_address("change"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Break the lock"),
            "lock": lock,
            "state": self.state(lock),
            "acquired_at": moment(lock.acquired_at),
            "leased_until": moment(lock.leased_until),
            "current": self.current(lock),
        }
        return TemplateResponse(request, "admin/sync/synclock/break.html", context)

    def break_lock(self, request: HttpRequest) -> None:
        if mutex.break_lock(by=cast(User, request.user)):
            text = gettext("The lock is broken: who held it can write no more.")
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, gettext("Nobody holds the lock: there is nothing to break."), messages.WARNING)
