"""The whole API as a client meets it: a real server, real requests, an ERP that answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import User

from sync.models import OrderFormSession, SyncRun
from tests.api_server import ApiServer
from tests.factories import PASSWORD, UserFactory
from tests.site import MirroredDemo

TIMEOUT = 60  # seconds


class Client:
    """Requests of one user, signed in by token."""

    def __init__(self, server: ApiServer, user: User | None = None) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        if user:
            credentials = {"username": user.username, "password": PASSWORD}
            tokens = self.post("/api/token", credentials).json()
            self.session.headers["Authorization"] = f"Bearer {tokens['access']}"
            self.refresh = tokens["refresh"]

    def ask(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.session.request(
            method, self.url + path, json=json, timeout=TIMEOUT, allow_redirects=False, **options
        )

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.ask("GET", path, params=params)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.ask("POST", path, json, **options)


@pytest.fixture(autouse=True)
def passwords_as_the_server_knows_them(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def server(mirrored: MirroredDemo) -> ApiServer:
    """A server whose lists are mirrored, and whose ERP answers."""
    return mirrored.api_server


@pytest.fixture
def agent(server: ApiServer) -> Client:
    return Client(server, UserFactory())


@pytest.fixture
def colleague(server: ApiServer) -> Client:
    return Client(server, UserFactory())


@pytest.fixture
def admin(server: ApiServer) -> Client:
    return Client(server, UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def stranger(server: ApiServer) -> Client:
    return Client(server)


def is_error(answer: requests.Response, status: int) -> bool:
    said = answer.json()
    return (answer.status_code, set(said), said["success"]) == (status, {"success", "error", "code", "detail"}, False)


CALLS = [
    ("POST", "/api/sync/orders", 403),
    ("POST", "/api/sync/orders/full", 403),
    ("POST", "/api/sync/full", 403),
    ("GET", "/api/sync/status", 200),
    ("GET", "/api/sync/schedule", 200),
    ("PATCH", "/api/sync/schedule/orders", 403),
    ("GET", "/api/sync/runs", 200),
    ("GET", "/api/sync/runs/{run}", 200),
    ("POST", "/api/sync/runs/{run}/retry", 403),
    ("POST", "/api/sync/runs/{run}/cancel", 403),
    ("POST", "/api/sync/runs/{run}/accept", 403),
    ("POST", "/api/customers/smart-sync", 200),
    ("POST", "/api/customers/resume-syncs", 200),
    ("GET", "/api/customers", 200),
    ("GET", "/api/products", 200),
    ("GET", "/api/prices", 200),
    ("GET", "/api/prices/lookup", 400),
    ("GET", "/api/orders", 200),
    ("GET", "/api/ddt", 200),
    ("GET", "/api/invoices", 200),
    ("GET", "/api/drafts", 200),
    ("POST", "/api/drafts", 400),
    ("POST", "/api/drafts/preview", 400),
    ("GET", "/api/drafts/1", 404),
    ("PUT", "/api/drafts/1", 404),
    ("DELETE", "/api/drafts/1", 404),
    ("POST", "/api/drafts/1/restore", 404),
]


def test_every_call_lets_in_who_may_and_nobody_else(server, agent, stranger):
    run = SyncRun.objects.earliest("pk").pk
    for method, template, status in CALLS:
        path = template.format(run=run)
        assert is_error(stranger.ask(method, path), 401), path
        answer = agent.ask(method, path)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["success"] is (status == 200), path
        if status != 200:
            assert is_error(answer, status), path
        # An address with a slash is another one: nobody is sent on, as a POST would lose its body.
        assert is_error(agent.ask(method, path + "/"), 404), path


def test_what_needs_no_login(server, stranger):
    assert (stranger.get("/healthz").status_code, stranger.get("/healthz").text) == (200, "ok")
    assert stranger.get("/api/schema").status_code == stranger.get("/api/docs").status_code == 200
    ready = stranger.get("/readyz")
    assert (ready.status_code, set(ready.json().values())) == (200, {True})


def test_tokens_are_exchanged_and_given_up(server, agent, stranger):
    fresh = stranger.post("/api/token/refresh", {"refresh": agent.refresh}).json()
    agent.session.headers["Authorization"] = f"Bearer {fresh['access']}"
    assert agent.get("/api/sync/status").status_code == 200
    assert stranger.post("/api/token/blacklist", {"refresh": fresh["refresh"]}).status_code == 200
    assert is_error(stranger.post("/api/token/refresh", {"refresh": fresh["refresh"]}), 401)
    assert is_error(stranger.post("/api/token", {"username": "agente", "password": "wrong"}), 401)
    assert is_error(stranger.post("/api/token", {"username": "agente"}), 400)


def test_an_agent_s_day(server, agent, colleague):
    """Open a form, find a customer and a product, look the price up, save, change, and leave."""
    opened = agent.post("/api/customers/smart-sync")
    session = opened.json()["session"]["id"]
    assert (opened.status_code, opened.json()["run"]["status"]) == (200, "succeeded")
    second = agent.post("/api/customers/smart-sync").json()
    assert (second["run"]["runId"], second["session"]["id"] != session) == (opened.json()["run"]["runId"], True)
    assert agent.get("/api/sync/status").json()["data"]["smartSync"]["activeSessions"] == 2

    customer = next(
        each for each in agent.get("/api/customers", pageSize=100).json()["results"] if each["accountNumber"]
    )
    words = customer["name"].lower().split()
    found = agent.get("/api/customers", search=" ".join(reversed(words))).json()["results"]
    assert customer["erpId"] in [each["erpId"] for each in found]
    product = next(each for each in agent.get("/api/products").json()["results"] if not each["isBlocked"])
    code = product["name"].replace(".", "")
    assert product in agent.get("/api/products", search=code).json()["results"]
    price = agent.get("/api/prices/lookup", product=product["erpId"], account=customer["accountNumber"]).json()["price"]
    assert (price["currency"], price["nearestQuantities"]) == ("EUR", [price["quantity"]])

    line = {"product": product["erpId"], "quantity": price["quantity"], "discountPercent": "10"}
    half = agent.post("/api/drafts/preview", {"lines": [line, line | {"quantity": "0"}]}).json()["draft"]
    assert (half["complete"], half["lines"][0]["problem"], half["lines"][1]["problem"]["field"]) == (
        False,
        None,
        "quantity",
    )
    assert half["totals"]["gross"] == half["lines"][0]["gross"]
    wanted = {"customer": customer["erpId"], "lines": [line], "sessionId": session}
    key = {"Idempotency-Key": "the page's own"}
    saved = [agent.post("/api/drafts", wanted, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in saved] == [201, 201]
    assert saved[0].json()["message"] == "Draft saved! (1 draft in all)"
    draft = saved[1].json()["draft"]
    address = f"/api/drafts/{draft['id']}"
    assert agent.get(address).json()["draft"] == draft
    changed = agent.ask("PUT", address, wanted | {"version": 1, "notes": "Call first"})
    assert (changed.status_code, changed.json()["draft"]["version"]) == (200, 2)
    reused = agent.post("/api/drafts", wanted | {"notes": "Call first"}, headers=key)
    assert (is_error(reused, 409), reused.json()["detail"]["draft"]) == (True, changed.json()["draft"])
    stale = agent.ask("PUT", address, wanted | {"version": 1})
    assert is_error(stale, 409)
    assert stale.json()["detail"]["draft"]["notes"] == "Call first"
    wrong = agent.post("/api/drafts", wanted | {"lines": [line | {"quantity": "0"}]})
    assert (is_error(wrong, 400), list(wrong.json()["detail"]["lines"]["0"])) == (True, ["quantity"])
    assert is_error(colleague.get(address), 404)
    assert is_error(colleague.post("/api/customers/resume-syncs", {"sessionId": session}), 404)

    assert agent.post("/api/customers/resume-syncs", {"sessionId": session}).json()["activeSessions"] == 1
    assert agent.post("/api/customers/resume-syncs").json()["activeSessions"] == 0
    assert not OrderFormSession.objects.live().exists()
    assert agent.ask("DELETE", address).status_code == 204
    assert agent.get("/api/drafts").json()["count"] == 0


def test_an_administrator_s_day(server, admin):
    """Ask for syncs, change one's mind, change a schedule, and look at what happened."""
    asked = admin.post("/api/sync/products", {"mode": "full", "priority": 9})
    run = asked.json()["run"]
    assert (asked.status_code, run["status"], run["priority"]) == (202, "queued", 9)
    assert admin.post("/api/sync/products/full").json()["run"]["runId"] == run["runId"]
    assert [each["type"] for each in admin.get("/api/sync/status").json()["data"]["queue"]] == ["products"]
    cancelled = admin.post(f"/api/sync/runs/{run['runId']}/cancel")
    assert (cancelled.status_code, cancelled.json()["run"]["status"]) == (200, "cancelled")
    assert is_error(admin.post(f"/api/sync/runs/{run['runId']}/cancel"), 409)
    again = admin.post(f"/api/sync/runs/{run['runId']}/retry")
    assert (again.status_code, again.json()["run"]["trigger"]) == (202, "retry")
    assert is_error(admin.post(f"/api/sync/runs/{run['runId']}/accept"), 409)
    assert len(admin.post("/api/sync/full").json()["runs"]) == len(settings.SYNC_TYPES)
    schedule = admin.ask("PATCH", "/api/sync/schedule/ddt", {"intervalMinutes": 60})
    assert (schedule.status_code, schedule.json()["schedule"]["intervalMinutes"]) == (200, 60)
    assert is_error(admin.ask("PATCH", "/api/sync/schedule/ddt", {"intervalMinutes": 4}), 400)
    assert is_error(admin.post("/api/sync/former_list"), 404)
    history = admin.get("/api/sync/runs", type="products", status="cancelled").json()
    assert [each["runId"] for each in history["results"]] == [run["runId"]]


def test_the_status_is_answered_empty_until_something_happens(server, admin):
    first = admin.get("/api/sync/status")
    known = {"If-None-Match": first.headers["ETag"]}
    same = admin.ask("GET", "/api/sync/status", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    admin.post("/api/sync/orders")
    assert admin.ask("GET", "/api/sync/status", headers=known).status_code == 200


def test_who_prefers_not_to_wait_watches_the_run(server, agent):
    asked = agent.post("/api/customers/smart-sync", headers={"Prefer": "respond-async"})
    assert (asked.status_code, asked.json()["result"]) == (202, None)
    deadline = time.monotonic() + TIMEOUT
    while agent.get(asked.headers["Location"]).json()["run"]["status"] != "succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    counts = agent.get(asked.headers["Location"]).json()["run"]["counts"]
    assert counts["read"] == counts["unchanged"] > 0


def test_an_erp_that_does_not_answer_is_told_and_the_form_stays_open(serve, tmp_path, db):
    server = serve(ERP_FOLDER=str(tmp_path / "nowhere"))
    failed = Client(server, UserFactory()).post("/api/customers/smart-sync")
    said = failed.json()
    assert (failed.status_code, said["success"], said["code"]) == (502, False, "ErpFolderNotFound")
    assert OrderFormSession.objects.live().get().pk.hex == said["session"]["id"].replace("-", "")


def test_without_a_database_the_probe_says_so_and_nothing_else(serve, tmp_path):
    file = tmp_path / "own.sqlite3"
    own = {"DATABASE_URL": f"sqlite:///{file}"}
    migrate = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity=0"]
    subprocess.run(migrate, env=os.environ | own, check=True, timeout=TIMEOUT)
    stranger = Client(serve(**own))
    file.unlink()
    ready = stranger.get("/readyz")
    assert (ready.status_code, set(ready.json().values())) == (503, {False})
    assert stranger.get("/healthz").status_code == 200
