"""What agents do not read, wherever they look: colleagues' names, machines and processes, the ERP's user, folders."""

from collections import defaultdict
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers.order_forms import make_smart_sync_response
from sync.coordinator.sessions import SmartSync
from sync.erp import login as erp_login
from sync.exceptions import DiskFull, ErpFolderNotFound, ErpLoginRejected, ErpUnavailable, ExportNotFound
from sync.messages import Message
from sync.models import SyncEvent, SyncLock, SyncRun
from sync.monitoring.event_texts import Told
from tests.addresses import all_addresses
from tests.api.conftest import signed_in
from tests.factories import (
    DraftFactory,
    OrderFormSessionFactory,
    SyncEventFactory,
    SyncRunFactory,
    SyncWorkerFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

COLLEAGUE, MACHINE, PROCESS, ERP_USER, FOLDER = (
    "silvia.mancini",
    "srv-interno-07",
    "987654",
    "utente.erp",
    "/srv/riservata",
)
PRIVATE = (COLLEAGUE, MACHINE, PROCESS, ERP_USER, FOLDER)
ERRORS = (
    ErpLoginRejected(username=ERP_USER),
    ErpFolderNotFound(folder=FOLDER),
    ExportNotFound(folder=FOLDER, expected="Clienti.pdf"),
    DiskFull(files="exports", place=FOLDER),
    ErpUnavailable(reason=Message("{folder} cannot be read ({cause})", folder=FOLDER, cause="EIO")),
)
Status, Kind = SyncRun.Status, SyncEvent.Kind


def failed(error, **fields):
    return SyncRunFactory(
        status=Status.FAILED,
        error_class=type(error).__name__,
        error_text=error.text,
        ended_attempts=[
            {"outcome": "failed", "startedAt": None, "endedAt": "x", "error": type(error).__name__, "text": error.text}
        ],
        **fields,
    )


@pytest.fixture
def colleague(settings):
    """A colleague who has done everything, on a machine that is in trouble."""
    settings.ERP_URL, settings.ERP_USERNAME = "http://erp.example", ERP_USER
    colleague = UserFactory(username=COLLEAGUE)
    for number, error in enumerate(ERRORS):
        sync_type = ("orders", "customers", "ddt", "prices", "invoices")[number]
        run = failed(error, sync_type=sync_type, requested_by=colleague)
        facts = {"error_class": type(error).__name__, "error": error.text}
        SyncEventFactory(kind=Kind.RUN_FAILED, run=run, by=colleague, facts=facts)
    SyncRunFactory(sync_type="products", status=Status.QUEUED, requested_by=colleague, trigger="api")
    erp_login.note_rejected(SyncRun.objects.get(error_class="ErpLoginRejected"))
    holder = f"{MACHINE}:{PROCESS}:1"
    until = timezone.now() + timedelta(minutes=1)
    SyncLock.objects.update(holder=holder, acquired_at=timezone.now(), leased_until=until)
    SyncWorkerFactory(name=f"{MACHINE}:{PROCESS}")
    SyncWorkerFactory(name=f"{MACHINE}:{PROCESS}1", seen_at=timezone.now() - timedelta(hours=1))
    for kind in (Kind.LOCK_TAKEN_OVER, Kind.LOCK_BROKEN):
        SyncEvent.objects.record(kind, by=colleague, from_holder=holder, token=3)
    SyncEvent.objects.record(Kind.ALERT_GIVEN_UP, channel="mail", attempts=30, error=f"550 no {COLLEAGUE} at {MACHINE}")
    SyncEvent.objects.record(Kind.SESSION_OPENED, session=OrderFormSessionFactory(user=colleague), by=colleague)
    DraftFactory(user=colleague)
    return colleague


@pytest.fixture
def agent(db):
    return UserFactory(username="agente")


@pytest.fixture
def administrator(db):
    return UserFactory(username="capo", is_staff=True, is_superuser=True)


def read(user):
    """All that somebody reads at any address, and gets for what he may ask."""
    run = SyncRun.objects.earliest("pk").pk
    arguments: defaultdict[str, object] = defaultdict(lambda: run, sync_type="orders")
    addresses = [address for address in all_addresses(arguments) if address != "/api/sync/events"]
    addresses += [f"/api/sync/runs/{run.pk}" for run in SyncRun.objects.all()]
    browser, api = Client(), signed_in(user)
    browser.force_login(user)
    for address in addresses:
        if address not in ("/logout", "/admin/logout/"):
            yield address, browser.get(address)
            yield address, api.post(address)
            yield address, api.options(address)


def found_in(user):
    return {
        (address, word)
        for address, answer in read(user)
        for word in PRIVATE
        if word in f"{answer.headers} {answer.content.decode()}"
    }


def test_an_agent_reads_no_private_fact_anywhere(agent, colleague):
    assert found_in(agent) == set()


def test_the_same_looks_find_them_all_as_an_administrator(administrator, colleague):
    """Else the test before would look at the wrong places."""
    found = found_in(administrator)
    in_api = {word for address, word in found if address.startswith("/api/sync/")}
    assert in_api == set(PRIVATE)


def test_the_refusal_of_an_order_form_names_no_user_of_the_erp(agent, administrator, colleague):
    refused = signed_in(agent).post("/api/customers/smart-sync")
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (502, "ErpLoginRejected", {})
    assert refused.json()["error"] == (
        "The ERP does not accept the login of this service. Check ERP_USERNAME and ERP_PASSWORD."
    )
    told = signed_in(administrator).post("/api/customers/smart-sync").json()
    assert (told["error"], told["detail"]) == (str(ERRORS[0]), {"username": ERP_USER})


def test_a_failed_fetch_names_no_folder_to_an_agent():
    smart = SmartSync(OrderFormSessionFactory(), failed(ERRORS[4], sync_type="customers"))
    to_staff, to_agents = (str(make_smart_sync_response(smart, for_staff=is_staff).data) for is_staff in (True, False))
    assert (FOLDER in to_staff, FOLDER in to_agents) == (True, False)


def test_no_event_tells_an_agent_a_private_fact(agent, colleague):
    told = [Told.of(event) for event in SyncEvent.objects.all()]
    assert len(told) == 9
    assert not [each for each in told if any(word.encode() in each.text_for_agents for word in PRIVATE)]
    to_staff = b"".join(each.text for each in told)
    assert all(word.encode() in to_staff for word in (MACHINE, PROCESS, ERP_USER, FOLDER))


def test_an_agent_reads_that_a_run_is_his_own(agent, colleague):
    SyncRunFactory(requested_by=agent)
    names = [run["requestedBy"] for run in signed_in(agent).get("/api/sync/runs").json()["results"]]
    assert names == ["agente", *[None] * 6]


def test_whether_a_worker_lives_and_the_lock_is_held_everybody_reads(agent, colleague):
    data = signed_in(agent).get("/api/sync/status").json()["data"]
    assert (data["worker"]["alive"], data["worker"]["name"]) == (True, None)
    assert [worker["state"] for worker in data["workers"]] == ["alive", "silent"]
    assert (data["lock"]["held"], data["lock"]["holder"]) == (True, None)
