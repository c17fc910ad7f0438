"""The admin's own addresses, beside those of its pages for rows."""

from django.contrib import admin
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from sync.admin.control_room import views

guarded = admin.site.admin_view

urlpatterns = [
    path("", guarded(views.index)),
    path("now/", guarded(require_GET(views.show_now)), name="control_room_now"),
    path("day/", guarded(require_GET(views.show_day)), name="control_room_day"),
    path("run/", guarded(require_POST(views.request_run)), name="request_run"),
]
