"""The groups that `migrate` makes."""

from django.apps import apps
from django.contrib.auth.models import Group

from sync.after_migrate import grant_new_permissions


def make_roles() -> None:
    """Do what a migrate does that has made all permissions."""
    for app_config in apps.get_app_configs():
        grant_new_permissions(app_config, "default")


def granted(role: str) -> set[str]:
    """What a group may do, as `app.code_name`."""
    permissions = Group.objects.get(name=role).permissions
    return {".".join(names) for names in permissions.values_list("content_type__app_label", "codename")}
