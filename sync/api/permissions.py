"""Who may change syncs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request


class StaffPermissionOrReadOnly(IsAuthenticated):
    """Staff with the view's `permission_required`, which they need in the admin too; who is signed in may read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        name = view.permission_required
        self.message = _("Only staff with the permission “{name}” may do this.").format(name=name)
        if request.method in SAFE_METHODS or request.method not in view.allowed_methods:  # which nobody may use: 405
            return True
        return request.user.is_staff and request.user.has_perm(name)
