"""The admin: the control room, and a module for each model, whose import registers its pages."""

from django.contrib import admin
from django_q import admin as django_q_admin  # noqa: F401  # registers its pages, for the last time
from django_q.models import Failure, OrmQ, Schedule, Success

from sync.admin import (  # noqa: F401  # importing registers the pages
    alert,
    column_drift,
    erp_day,
    order_form_session,
    record_change,
    sync_event,
    sync_lock,
    sync_run,
    sync_schedule,
    sync_worker,
)

# Nobody is to change these rows by hand: schedules are changed, and runs asked for, on pages of this project.
admin.site.unregister([Schedule, Success, Failure, OrmQ])
