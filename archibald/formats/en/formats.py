"""Dates in English as they are written in Europe: 30/06/2026, where an American reads the sixth of a month."""

from django.conf.locale.en_GB.formats import *  # type: ignore[import-untyped]  # noqa: F403
