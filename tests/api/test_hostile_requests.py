"""What no client should send: an answer in the shape of every error, and nothing else."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from sync.coordinator import sessions
from sync.models import OrderFormSession, SyncRun
from tests.api_server import signed_in
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

Json = "application/json"


def is_error(answer, status):
    said = answer.json()
    return (answer.status_code, said["success"], set(said)) == (status, False, {"success", "error", "code", "detail"})


@pytest.mark.parametrize("body", ["[" * 200_000, '{"a":' * 100_000, '{"username": ' + "[" * 100_000])
def test_json_that_is_nested_without_end_is_400(body, api):
    assert is_error(api.generic("POST", "/api/token", body, content_type=Json), 400)


@pytest.mark.parametrize("body", ['{"mode": "\\ud800"}', '{"\\udfff": 1}', '{"a": ["\\ud800"]}'])
def test_half_a_character_is_400(body, admin_api):
    assert is_error(admin_api.generic("POST", "/api/sync/orders", body, content_type=Json), 400)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00"])
def test_a_moment_that_no_zone_has_is_400(name, moment, api):
    assert is_error(api.get("/api/sync/runs", {name: moment}), 400)


def test_too_much_is_refused_in_json(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert is_error(api.post("/api/drafts", {"notes": "x" * 200}), 400)
    assert is_error(api.generic("POST", "/api/customers/resume-syncs", "a=" + "x" * 200,
                                content_type="application/x-www-form-urlencoded"), 400)  # fmt: skip


def test_too_many_fields_are_refused_in_json(api):
    form = "&".join(f"a{number}=1" for number in range(1500))
    kind = "application/x-www-form-urlencoded"
    assert is_error(api.generic("POST", "/api/customers/resume-syncs", form, content_type=kind), 400)


def test_a_request_to_another_host_is_refused_in_json(api, settings):
    settings.ALLOWED_HOSTS = ["archibald.example"]
    assert is_error(api.get("/api/sync/status"), 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png"])
def test_another_kind_of_body_is_415(kind, api):
    assert is_error(api.generic("POST", "/api/drafts", "x", content_type=kind), 415)


def test_bytes_that_are_no_text_are_400(api):
    assert is_error(api.generic("POST", "/api/drafts", b"\xff\xfe{", content_type=Json), 400)


# Over a real connection


def answer_to(server, request):
    """Status and body of the answer to these bytes."""
    host, port = urlsplit(server.url).netloc.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=60)) as connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _blank, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.fixture
def agent(transactional_db):
    return UserFactory()


def head(method, path, user, **headers):
    lines = {"Host": "127.0.0.1", "Content-Type": Json, "Connection": "close", **signed_in(user), **headers}
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    ).encode()


@pytest.mark.django_db(transaction=True)
def test_a_body_without_its_length_is_not_taken_for_none(api_server, agent):
    """Taken for none, it would close another form than the one it names."""
    oldest, named = sessions.open_session(agent), sessions.open_session(agent)
    body = f'{{"sessionId": "{named.pk}"}}'.encode()
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    sent = head("POST", "/api/customers/resume-syncs", agent, **{"Transfer-Encoding": "chunked"}) + chunk
    status, said = answer_to(api_server, sent)
    assert (status, b'"success": false' in said) == (411, True)
    assert OrderFormSession.objects.live().count() == 2, oldest


@pytest.mark.django_db(transaction=True)
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(api_server, agent):
    status, said = answer_to(api_server, head("POST", "/api/drafts", agent, **{"Content-Length": str(10**9)}))
    assert (status, b'"too_large"' in said, SyncRun.objects.count()) == (413, True, 0)
