from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate, pre_save
from django.utils.translation import gettext_lazy as _


class SyncConfig(AppConfig):
    name = "sync"
    verbose_name = _("Sync")

    def ready(self) -> None:
        from django_q.models import Schedule

        from sync import after_migrate, checks  # noqa: F401  # importing registers the checks
        from sync.coordinator import schedules, wake_ups
        from sync.management.database import check_history_before_migrate

        pre_migrate.connect(check_history_before_migrate, sender=self)
        pre_migrate.connect(after_migrate.prepare_search, sender=self)
        pre_migrate.connect(after_migrate.note_permissions)
        post_migrate.connect(after_migrate.grant_new_permissions)
        post_migrate.connect(after_migrate.index_search_texts, sender=self)
        post_migrate.connect(schedules.create_missing_rows, sender=self)
        pre_save.connect(wake_ups.check_arguments, sender=Schedule)
