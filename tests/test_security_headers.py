"""What answers tell browsers and caches about themselves."""

import re
from collections import defaultdict

import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings

from tests.addresses import all_addresses
from tests.api.conftest import signed_in
from tests.factories import CustomerFactory, SyncRunFactory, SyncWorkerFactory, UserFactory

pytestmark = pytest.mark.django_db

MAY_BE_KEPT = {
    "/api/sync/status": "private, no-cache",  # with an ETag
    "/healthz": "no-cache",
    "/offline": "no-cache",
    "/sw.js": "no-cache",
    "/texts.js": "private, max-age=60",
}
STREAM = "/api/sync/events"


def addresses():
    arguments: defaultdict[str, object] = defaultdict(lambda: 1, sync_type="orders")
    return [address for address in all_addresses(arguments) if address != STREAM]


def walk(client):
    """The answers to GET at every address, by address."""
    run = SyncRunFactory()
    CustomerFactory(pk=1)
    assert run.pk
    client.raise_request_exception = False
    return {address: client.get(address) for address in addresses()}


@pytest.fixture(params=["nobody", "agent", "administrator"])
def browser(request):
    client = Client()
    if request.param != "nobody":
        is_staff = request.param == "administrator"
        client.force_login(UserFactory(is_staff=is_staff, is_superuser=is_staff))
    return client


INLINE = re.compile(r"""<script(?![^>]*\bsrc=)(?![^>]*type="application/json")|<style|\sstyle=|\son\w+="|javascript:""")


def test_every_answer_says_who_may_keep_it_and_what_its_page_may_load(browser):
    answers = walk(browser)
    assert len(answers) > 150
    for address, answer in answers.items():
        assert answer.status_code != 500, address
        kept = answer["Cache-Control"]
        assert "no-store" in kept or kept == MAY_BE_KEPT.get(address), address
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy, address
        assert "frame-ancestors 'none'" in policy, address
        assert not re.search(r"unsafe|\*|https?:|script-src|style-src", policy), address
        assert answer["X-Content-Type-Options"] == "nosniff", address
        assert answer["Referrer-Policy"] == "same-origin", address
        assert answer["X-Frame-Options"] == "DENY", address
        assert "camera=()" in answer["Permissions-Policy"], address
        if answer.get("Content-Type", "").startswith("text/html"):
            assert not INLINE.search(answer.content.decode()), address


@pytest.mark.parametrize("address", ["/api/drafts", "/api/sync/status", "/api/nowhere", "/api/sync/runs/999"])
def test_an_answer_of_the_api_differs_by_whoever_asks_and_says_so(address):
    varies = {name.strip() for name in signed_in(UserFactory()).get(address)["Vary"].split(",")}
    assert {"Authorization", "Cookie"} <= varies


def test_tokens_are_kept_nowhere():
    answer = Client().post("/api/token", {"username": "nobody", "password": "x"}, content_type="application/json")
    assert (answer.status_code, answer["Cache-Control"]) == (401, "no-store")
    assert {"Authorization", "Cookie"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_an_unchanged_status_is_still_an_empty_304():
    SyncWorkerFactory()
    client = signed_in(UserFactory())
    first = client.get("/api/sync/status")
    again = client.get("/api/sync/status", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", "private, no-cache")
    assert {"Authorization", "Cookie"} <= {name.strip() for name in again["Vary"].split(",")}


def test_a_page_of_an_error_says_the_same(client):
    client.raise_request_exception = False
    with override_settings(ALLOWED_HOSTS=["elsewhere"]):
        refused = client.get("/drafts")
    for answer, status in ((refused, 400), (client.get("/nowhere"), 404), (client.post("/logout"), 302)):
        assert answer.status_code == status
        assert "no-store" in answer["Cache-Control"]
        assert "default-src" in answer["Content-Security-Policy"]


def test_django_s_own_pages_for_developers_keep_their_looks(client):
    with override_settings(DEBUG=True):
        assert "Content-Security-Policy" not in client.get("/nowhere")
        assert "Content-Security-Policy" not in client.get("/login", headers={"host": "elsewhere"})
        assert "Content-Security-Policy" in client.get("/login")


def test_nothing_is_said_for_other_sites_of_the_domain(client):
    assert settings.SECURE_HSTS_SECONDS == 31_536_000
    said = client.get("/login", secure=True)["Strict-Transport-Security"]
    assert said == "max-age=31536000"
