"""Who may do what in the admin: the two roles, and what people are told who may not."""

from datetime import timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.urls import reverse

from sync.admin import permissions
from sync.admin.runs import acceptance
from sync.coordinator import mutex, sessions
from sync.exceptions import TooManyMissing
from sync.models import Alert, ColumnDrift, OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule
from sync.service import get_service
from tests.factories import AlertFactory, ColumnDriftFactory, GroupFactory, SyncRunFactory, UserFactory
from tests.lists import MODELS, TYPES
from tests.roles import granted, make_roles
from tests.sync.pages import html_of, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
MIRRORED = [get_service(sync_type).model for sync_type in TYPES]
OPERATOR = {
    "sync.view_syncrun",
    "sync.view_recordchange",
    "sync.view_syncevent",
    "sync.view_synclock",
    "sync.view_syncschedule",
    "sync.view_syncworker",
    "sync.view_orderformsession",
    "sync.view_alert",
    "sync.view_columndrift",
    "sync.view_erpday",
    "sync.request_syncrun",
    *(f"{model._meta.app_label}.view_{model._meta.model_name}" for model in MIRRORED),
}
ADMINISTRATOR = OPERATOR | {
    "sync.change_syncschedule",
    "sync.accept_syncrun",
    "sync.force_syncrun",
    "sync.download_export",
    "sync.close_orderformsession",
    "sync.break_synclock",
    "sync.resend_alert",
    "sync.see_columndrift",
}
ROLES = {"operator": OPERATOR, "administrator": ADMINISTRATOR}
each_role = pytest.mark.parametrize("role", ROLES)


# The groups


@each_role
def test_a_database_begins_with_each_role_and_what_it_may(role):
    assert granted(role) == ROLES[role]


@pytest.mark.django_db(transaction=True)
def test_a_database_of_an_earlier_version_gets_the_roles():
    Group.objects.all().delete()
    Permission.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert {role: granted(role) for role in ROLES} == ROLES


@pytest.mark.django_db(transaction=True)
def test_what_a_person_took_from_a_group_is_not_given_again():
    Group.objects.get(name="operator").permissions.remove(Permission.objects.get(codename="view_synclock"))
    Group.objects.get(name="administrator").delete()
    call_command("migrate", verbosity=0)
    assert granted("operator") == OPERATOR - {"sync.view_synclock"}
    assert not Group.objects.filter(name="administrator").exists()


def test_a_group_that_has_the_name_already_keeps_what_it_may():
    Group.objects.all().delete()
    GroupFactory(name="operator", permissions=["view_user"])
    make_roles()
    make_roles()
    assert granted("operator") == OPERATOR | {"auth.view_user"}
    assert Group.objects.count() == 2


# What each may


@pytest.fixture
def member(client):
    """Somebody on the staff who signs in as a member of this group, or of none."""

    def signed_in(role=None):
        client.force_login(UserFactory(is_staff=True, groups=[role] if role else []))
        return client

    return signed_in


@pytest.fixture
def rows(settings, monkeypatch, tmp_path, admin_user):
    settings.EXPORT_DIR = tmp_path
    monkeypatch.setattr(acceptance, "ACCEPTED_WITHIN", timedelta(0))  # nobody waits for the lock that is held here
    export = tmp_path / "orders-1-1.pdf"
    export.write_bytes(b"%PDF-1.7")
    mutex.acquire()
    return {
        "queued run": SyncRunFactory(sync_type="prices", status=Status.QUEUED),
        "ended run": SyncRunFactory(),
        "quarantined run": SyncRunFactory(
            sync_type="orders",
            status=Status.QUARANTINED,
            export_path=str(export),
            error_text=TooManyMissing(mirrored=30, missing=21, allowed=20).text,
        ),
        "schedule": SyncSchedule.objects.get(sync_type="ddt"),
        "order form": sessions.open_session(admin_user),
        "lock": SyncLock.objects.get(),
        "alert": AlertFactory(attempts=1),
        "column change": ColumnDriftFactory(),
    }


# What is done, on whose page, by which name of an address; the permission that it takes, as it is called.
REQUEST = "Can ask for a sync, try one again, or cancel it"
DEEDS = {
    "run": ("schedule", "do", REQUEST),
    "run_full": ("schedule", "do", REQUEST),
    "retry": ("ended run", "do", REQUEST),
    "cancel": ("queued run", "do", REQUEST),
    "accept": ("quarantined run", "accept", "Can accept a quarantined export"),
    "download": ("quarantined run", "export", "Can download a run's export"),
    "change": ("schedule", "change", "Can change schedule"),
    "close": ("order form", "do", "Can close an order-form session"),
    "break": ("lock", "break", "Can break the lock"),
    "resend": ("alert", "do", "Can send an alert again"),
    "see": ("column change", "do", "Can mark changed columns as seen"),
}
FOR_OPERATORS = {"run", "run_full", "retry", "cancel"}
each_deed = pytest.mark.parametrize("deed", DEEDS)


def place_of(deed, rows):
    """The row's page, the deed's address, and what the page shows to who may do it."""
    name, page, _permission = DEEDS[deed]
    row = rows[name]
    kind = f"admin:sync_{row._meta.model_name}"
    address = reverse(f"{kind}_{page}", args=[row.pk, deed] if page == "do" else [row.pk])
    return url(type(row), "change", row.pk), address, 'name="_save"' if deed == "change" else f'"{address}"'


def do(client, deed, address):
    if deed == "download":
        return client.get(address)
    return client.post(address, {"every": 20, "first_at": 0} if deed == "change" else {})


def everything():
    rows = [SyncRun, OrderFormSession, SyncEvent, SyncLock, SyncSchedule, Alert, ColumnDrift]
    return [list(model._default_manager.order_by("pk").values()) for model in rows]


def told(answer):
    assert answer.status_code == 403
    return unescape(answer.content.decode())


MAY = [(role, deed) for role in ROLES for deed in DEEDS if role == "administrator" or deed in FOR_OPERATORS]
MAY_NOT = [(role, deed) for role in (None, *ROLES) for deed in DEEDS if (role, deed) not in MAY]


@pytest.mark.parametrize(("role", "deed"), MAY)
def test_a_role_finds_the_button_for_what_it_may_do_and_does_it(role, deed, rows, member):
    client = member(role)
    page, address, button = place_of(deed, rows)
    assert button in html_of(client, page)
    before = everything()
    answer = do(client, deed, address)
    assert answer.status_code in (200, 302)
    assert everything() != before
    answer.close()


@pytest.mark.parametrize(("role", "deed"), MAY_NOT)
def test_a_role_finds_no_button_for_what_it_may_not_do_and_is_refused(role, deed, rows, member):
    client = member(role)
    page, address, button = place_of(deed, rows)
    assert button not in html_of(client, page)
    before = everything()
    assert "This requires the permission “Can" in told(do(client, deed, address))
    assert everything() == before


@each_role
def test_a_role_sees_every_page_of_ours(role, rows, member):
    client = member(role)
    models = [model for model in admin.site._registry if model in MODELS]
    assert len(models) == 11 + len(TYPES)
    for model in models:
        assert client.get(url(model, "changelist"), follow=True).status_code == 200


@each_role
def test_a_role_manages_no_accounts(role, member):
    client = member(role)
    assert client.get(url(Group, "changelist")).status_code == 403
    assert client.post(url(Group, "add"), {"name": "more"}).status_code == 403


# Being refused


@each_deed
def test_who_may_only_look_is_told_which_permission_it_takes(deed, rows, colleague):
    name, _page, permission = DEEDS[deed]
    client = colleague(f"view_{rows[name]._meta.model_name}")
    _page, address, _button = place_of(deed, rows)
    assert f"This requires the permission “{permission}”, which your account does not have." in told(
        do(client, deed, address)
    )


@pytest.mark.parametrize("deed", ["accept", "break"])
def test_the_page_that_asks_is_refused_in_the_same_words(deed, rows, colleague):
    name, _page, permission = DEEDS[deed]
    client = colleague(f"view_{rows[name]._meta.model_name}")
    assert f"“{permission}”" in told(client.get(place_of(deed, rows)[1]))


@each_deed
def test_who_may_not_look_is_told_that_first(deed, rows, colleague):
    row = rows[DEEDS[deed][0]]
    client = colleague("request_syncrun", "accept_syncrun", "download_export", "close_orderformsession")
    said = told(do(client, deed, place_of(deed, rows)[1]))
    assert f"“Can view {row._meta.verbose_name}”" in said


ACTIONS = [
    ("queued run", "cancel", REQUEST),
    ("ended run", "retry", REQUEST),
    ("quarantined run", "accept_export", "Can accept a quarantined export"),
    ("schedule", "run", REQUEST),
    ("schedule", "run_full", REQUEST),
    ("order form", "close", "Can close an order-form session"),
    ("alert", "resend", "Can send an alert again"),
    ("column change", "see", "Can mark changed columns as seen"),
]


@pytest.mark.parametrize(("name", "action", "permission"), ACTIONS)
def test_an_action_that_the_list_did_not_offer_is_refused_in_the_same_words(name, action, permission, rows, colleague):
    row = rows[name]
    client = colleague(f"view_{row._meta.model_name}")
    before = everything()
    chosen = {"action": ["", action], "_selected_action": [str(row.pk)], "index": 1}
    assert f"“{permission}”" in told(client.post(url(type(row), "changelist"), chosen))
    assert everything() == before


def test_an_action_that_nobody_knows_is_left_to_django(rows, colleague):
    answer = colleague("view_syncrun", "request_syncrun").post(
        url(SyncRun, "changelist"), {"action": "delete_selected", "_selected_action": [1]}
    )
    assert answer.status_code == 302


def test_a_refusal_leads_back_to_the_admin(rows, colleague):
    said = told(colleague("view_synclock").get(reverse("admin:sync_synclock_break", args=[1])))
    assert f'<a class="button primary" href="{reverse("admin:index")}">' in said


def test_the_name_of_a_permission_is_escaped(rows, colleague):
    Permission.objects.filter(codename="break_synclock").update(name="<b>break</b>")
    answer = colleague("view_synclock").get(reverse("admin:sync_synclock_break", args=[1]))
    assert "“&lt;b&gt;break&lt;/b&gt;”" in answer.content.decode()


@pytest.mark.parametrize("text", ["", "seat 12 of <the vault>"])
def test_what_was_not_written_for_people_is_not_shown_to_them(text, rf, admin_user):
    request = rf.get("/")
    request.user = admin_user
    said = told(permissions.permission_denied(request, PermissionDenied(text)))
    assert "If you need the permission, ask an administrator." in said
    assert "vault" not in said


def test_an_agent_is_led_back_to_the_drafts(rf):
    request = rf.get("/")
    request.user = UserFactory.build()
    said = told(permissions.permission_denied(request, PermissionDenied()))
    assert f'<a class="button primary" href="{reverse("drafts")}">' in said
    assert reverse("admin:index") not in said
