"""Where the orchestrator's part of the API stands."""

from __future__ import annotations

from django.conf import settings
from django.urls import path, register_converter

from sync.api import views
from sync.api.events import EventsView


class SyncTypeConverter:
    """One of the lists that are mirrored; no other address is one."""

    regex = "|".join(settings.SYNC_TYPES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class KeyConverter:
    """A primary key that a database can have."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(SyncTypeConverter, "sync_type")
register_converter(KeyConverter, "key")

urlpatterns = [
    path("status", views.StatusView.as_view()),
    path("schedule", views.SchedulesView.as_view()),
    path("schedule/<sync_type:sync_type>", views.ScheduleView.as_view()),
    path("runs", views.RunsView.as_view()),
    path("runs/<key:run_id>", views.RunView.as_view(), name="run"),
    path("runs/<key:run_id>/retry", views.RetryView.as_view()),
    path("runs/<key:run_id>/cancel", views.CancelView.as_view()),
    path("runs/<key:run_id>/accept", views.AcceptView.as_view()),
    path("events", EventsView.as_view()),
    path("full", views.FullSyncOfAllView.as_view()),
    path("<sync_type:sync_type>", views.SyncView.as_view()),
    path("<sync_type:sync_type>/full", views.FullSyncView.as_view()),
]
