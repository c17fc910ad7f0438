"""Dates and times in English as Europe writes them: the day before the month, and 24 hours."""

from django.conf.locale.en_GB.formats import *  # type: ignore[import-untyped]  # noqa: F403

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATETIME_FORMAT = "d/m/Y H:i"
