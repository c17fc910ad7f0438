"""Where the orchestrator's part of the API stands."""

from __future__ import annotations

from django.conf import settings
from django.urls import converters, path, register_converter
from rest_framework.routers import SimpleRouter

from sync.api import requests, runs, schedules, status
from sync.api.events import EventsView


class SyncTypeConverter(converters.StringConverter):
    """One of the lists that are mirrored; no other address is one."""

    regex = "|".join(settings.SYNC_TYPES)


class KeyConverter(converters.IntConverter):
    """A primary key that a database can have."""

    regex = "[0-9]{1,18}"


register_converter(SyncTypeConverter, "sync_type")
register_converter(KeyConverter, "key")

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("runs", runs.RunViewSet, basename="run")
router.register("schedule", schedules.ScheduleViewSet, basename="schedule")

urlpatterns = [
    *router.urls,
    path("status", status.StatusView.as_view()),
    path("events", EventsView.as_view()),
    path("full", requests.SyncViewSet.as_view({"post": "create_full_of_all"})),
    path("<sync_type:sync_type>", requests.SyncViewSet.as_view({"post": "create"})),
    path("<sync_type:sync_type>/full", requests.SyncViewSet.as_view({"post": "create_full"})),
]
