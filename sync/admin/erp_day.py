"""What was asked of the ERP on each day, to look at."""

from __future__ import annotations

from django.contrib import admin

from sync.admin.read_only import ReadOnlyAdmin
from sync.models import ErpDay


@admin.register(ErpDay)
class ErpDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "logins", "exports", "looks")
    fieldsets = ((None, {"fields": list_display}),)
