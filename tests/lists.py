"""The mirrored lists, for tests over all of them; a list that is declared in SYNC_TYPES is among them."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from factory.declarations import Sequence
from factory.helpers import make_factory

from demo.erp.lists import LISTS
from sync.service import get_service
from tests.factories import MirroredFactory

TYPES = sorted(settings.SYNC_TYPES, key=lambda sync_type: -settings.SYNC_TYPES[sync_type]["priority"])
APPS = [each for each in apps.get_app_configs() if Path(each.path).parent == settings.BASE_DIR]  # the project's
MODELS = [model for each in APPS for model in each.get_models()]
DEMO_TYPES = [demo_list.sync_type for demo_list in LISTS]  # those that the demo ERP has


def factory_for(sync_type: str) -> Any:
    """The factory of a list's records; if tests/factories.py has none, one that gives a record its key alone."""
    service = get_service(sync_type)
    for factory in MirroredFactory.__subclasses__():
        if factory._meta.model is service.model:
            return factory
    return make_factory(service.model, FACTORY_CLASS=MirroredFactory, **{service.layout.key: Sequence(int)})
