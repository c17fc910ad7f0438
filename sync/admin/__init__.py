"""The admin's pages: runs and changes to look at, the coordination to watch and, where need be, to take a hand in."""

from django.contrib import admin
from django_q import admin as django_q_admin  # noqa: F401  # registers its pages, for the last time
from django_q.models import Failure, OrmQ, Schedule, Success

from sync.admin import (  # noqa: F401  # importing registers the pages
    alert,
    column_drift,
    order_form_session,
    record_change,
    sync_event,
    sync_lock,
    sync_run,
    sync_schedule,
    sync_worker,
)

# Whoever changed these rows would go round the doors: schedules are changed, and runs asked for, on our own pages.
admin.site.unregister([Schedule, Success, Failure, OrmQ])
