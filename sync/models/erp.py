"""What was asked of the ERP, and what was seen there."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.list_names import get_list_name
from sync.models.runs import SyncRun


class ErpDay(models.Model):
    """How often one ERP login was used on one day, in Italian time: counted before each use, whatever comes of it."""

    day = models.DateField(_("day"), unique=True)
    logins = models.PositiveIntegerField(_("logins"), default=0)
    is_login_missed = models.BooleanField(
        _("login missed"),
        default=False,
        help_text=_("An export needed a login, and the day's logins were spent: scheduled exports wait."),
    )
    exports = models.PositiveIntegerField(_("exports asked for"), default=0)
    looks = models.PositiveIntegerField(_("looks"), default=0)

    class Meta:
        verbose_name = _("use of the ERP")
        verbose_name_plural = _("uses of the ERP")
        ordering = ("-day",)

    def __str__(self) -> str:
        return str(self.day)


class SeenList(models.Model):
    """What the first page of a list showed when its last applied export was asked for."""

    sync_type = models.CharField(_("type"), max_length=30, unique=True)
    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="+", verbose_name=_("run"))
    rows = models.JSONField(_("rows"), help_text=_("Key and modification time of each row, as the ERP prints them."))
    count = models.PositiveIntegerField(_("records"), null=True)
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("list as last seen")
        verbose_name_plural = _("lists as last seen")
        default_permissions = ()

    def __str__(self) -> str:
        return str(get_list_name(self.sync_type))
