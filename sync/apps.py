from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_save
from django.utils.translation import gettext_lazy as _


class SyncConfig(AppConfig):
    name = "sync"
    verbose_name = _("Sync")

    def ready(self) -> None:
        from django_q.models import Schedule

        from sync import checks  # noqa: F401  # importing registers them
        from sync.coordinator import schedules

        post_migrate.connect(schedules.create_missing_rows, sender=self)
        pre_save.connect(schedules.check_arguments, sender=Schedule)
