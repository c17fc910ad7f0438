"""What tests of the API share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connections
from rest_framework.test import APIClient

from tests.factories import UserFactory
from tests.sync.conftest import erp, looking, tiny_erp

__all__ = ["erp", "looking", "tiny_erp"]

Caller = Any  # an APIClient, whose answers' types the stubs do not know


@pytest.fixture(autouse=True)
def nobody_is_throttled_by_another_test() -> None:
    cache.clear()


def signed_in(user: User | None = None) -> Caller:
    client = APIClient(headers={"accept-language": "en"})
    client.force_authenticate(user)
    return client


@pytest.fixture
def agent(db: None) -> User:
    return UserFactory(username="agente")


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="collega")


@pytest.fixture
def api(agent: User) -> Caller:
    """What an agent's requests go through."""
    return signed_in(agent)


@pytest.fixture
def admin_api(db: None) -> Caller:
    """What the requests of a person who may do everything go through."""
    return signed_in(UserFactory(username="admin", is_staff=True, is_superuser=True))


@pytest.fixture
def staff_api(db: None) -> Callable[..., Caller]:
    """The requests of somebody with these permissions, and no others."""

    def with_permissions(*codenames: str, is_staff: bool = True) -> Caller:
        return signed_in(UserFactory(is_staff=is_staff, permissions=codenames))

    return with_permissions


def at_once(*requests: Callable[[], Any]) -> list[Any]:
    """The answers to requests that are made at the same moment."""

    def answered(request: Callable[[], Any]) -> Any:
        try:
            return request()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(answered, requests))
