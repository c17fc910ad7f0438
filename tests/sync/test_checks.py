"""Settings with which django-q2 would not be safe are refused."""

import subprocess
import sys
from dataclasses import replace

import pytest
from django.conf import settings as project
from django.contrib import admin
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


def test_a_list_that_requires_only_columns_of_another_is_refused(monkeypatch):
    orders = get_service("orders")
    columns = [replace(each, required="") if each.header == "ID DI VENDITA" else each for each in orders.layout.columns]
    monkeypatch.setattr(type(orders), "layout", replace(orders.layout, columns=columns))
    (error,) = check_services()
    assert error.id == "sync.E016"
    assert "an export of customers would be taken for one of orders" in error.msg
    assert "shows all columns that orders requires: ID, PROFILO CLIENTE:." in error.msg
    told = 'In the layout of orders: required="customers has no such column" for one of these columns: ID DI VENDITA, '
    assert str(error.hint).startswith(told)


def test_a_list_s_page_in_the_admin_that_lacks_a_column_is_refused(monkeypatch):
    page = admin.site.get_model_admin(get_service("customers").model)
    declared = page.fieldsets or ()
    monkeypatch.setattr(page, "fieldsets", [each for each in declared if "phone" not in each[1]["fields"]])
    (error,) = check_services()
    assert (error.id, error.hint) == (
        "sync.E017",
        "In the app's admin.py, in the fieldsets of CustomerAdmin: 'phone', 'mobile', 'website'",
    )


def test_an_app_without_urls_is_told_what_to_write(process_environment, tmp_path):
    (tmp_path / "without_urls.py").write_text(
        "from archibald.settings import *\n"
        "INSTALLED_APPS.append('carriers')\n"
        "SYNC_TYPES['carriers'] = declare_list('carriers.sync.CarrierSync', priority=1, every=90, first_at=45)\n"
    )
    (tmp_path / "carriers").mkdir()
    (tmp_path / "carriers" / "__init__.py").touch()
    (tmp_path / "carriers" / "sync.py").write_text(
        "from customers.sync import CustomerSync\n\nclass CarrierSync(CustomerSync):\n    pass\n"
    )
    environment = process_environment | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "without_urls"}
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, cwd=project.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "(sync.E015) SYNC_TYPES: carriers: Customer is not in the API, at /api/carriers." in ended.stderr
    assert "In the app's urls.py" in ended.stderr
