"""What people call the lists, in their language."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string


def get_list_name(sync_type: str) -> str:
    """Its plain name for a type that was mirrored once and is no more."""
    if sync_type not in settings.SYNC_TYPES:
        return sync_type
    service = import_string(settings.SYNC_TYPES[sync_type]["service"])
    return str(service.model._meta.verbose_name_plural)
