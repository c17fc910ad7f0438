"""Settings with which django-q2 would not be safe are refused."""

import subprocess
import sys

import pytest
from django.conf import settings as project
from django.core.checks import run_checks

from sync.checks import check_q_cluster, check_services
from sync.service import get_service

UNSAFE = {
    "orm": None,
    "workers": 4,
    "bulk": 10,
    "queue_limit": 16,
    "timeout": 60,
    "retry": 3 * 30 * 60,
    "ack_failures": False,
    "max_attempts": 0,
    "catch_up": True,
    "sync": True,
}


def test_the_project_s_own_values_are_safe():
    assert check_q_cluster() == []


@pytest.mark.parametrize(("name", "value"), UNSAFE.items())
def test_an_unsafe_value_is_refused_by_name(db, settings, name, value):
    settings.Q_CLUSTER = {**project.Q_CLUSTER, name: value}
    (error,) = check_q_cluster()
    assert error in run_checks()
    assert error.msg.startswith(f"Q_CLUSTER: {name} must ")
    assert error.is_serious()


@pytest.mark.parametrize(
    "name", ["orm", "workers", "queue_limit", "timeout", "ack_failures", "max_attempts", "catch_up"]
)
def test_a_value_that_is_left_out_is_refused_where_django_q2_s_own_is_unsafe(settings, name):
    settings.Q_CLUSTER = {key: value for key, value in project.Q_CLUSTER.items() if key != name}
    assert any(error.msg.startswith(f"Q_CLUSTER: {name} must ") for error in check_q_cluster())


def test_no_worker_starts_with_unsafe_values(process_environment, tmp_path):
    (tmp_path / "unsafe.py").write_text("from archibald.settings import *\nQ_CLUSTER['workers'] = 4\n")
    environment = process_environment | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "unsafe"}
    command = [sys.executable, "manage.py", "qcluster"]
    ended = subprocess.run(command, cwd=project.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "(sync.E002) Q_CLUSTER: workers must be 1" in ended.stderr


def test_a_service_that_cannot_be_imported_is_refused_by_name(settings):
    get_service.cache_clear()
    settings.SYNC_TYPES = {**project.SYNC_TYPES, "ddt": {**project.SYNC_TYPES["ddt"], "service": "orders.sync.Absent"}}
    try:
        (error,) = check_services()
    finally:
        get_service.cache_clear()
    assert "the service of ddt cannot be made" in error.msg
