"""Who may change syncs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request


class StaffPermissionOrReadOnly(BasePermission):
    """Staff with the view's `permission_required`, which they need in the admin too; everybody may read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        name = view.permission_required
        self.message = _("Only staff with the permission “{name}” may do this.").format(name=name)
        if request.method in SAFE_METHODS or request.method not in view.allowed_methods:  # which nobody may use: 405
            return True
        return request.user.is_staff and request.user.has_perm(name)
