"""The texts of the pages' scripts, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.views.i18n import JavaScriptCatalog


class PageTexts(JavaScriptCatalog):
    """Our own catalogue alone: the admin's would weigh as much again."""

    packages = ["archibald"]  # noqa: RUF012

    def get_paths(self, packages: Sequence[str]) -> list[str]:
        return list(map(str, settings.LOCALE_PATHS))
