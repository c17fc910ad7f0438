"""Events over HTTP: real servers, as in production and as in development."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from sync.accounts import passwords
from sync.models import SignIn, SyncEvent
from sync.monitoring import live
from tests.api_server import ApiServer, Listener, signed_in
from tests.concurrency.processes import until
from tests.conftest import environment_of_database
from tests.factories import UserFactory

Kind = SyncEvent.Kind

EVENTS = "/api/sync/events"


@pytest.fixture
def agent(db: None) -> User:
    return UserFactory()


def happen(*facts: int, kind: Kind = Kind.HEALTH_CHANGED, sync_type: str = "orders") -> list[int]:
    """An event for each fact; their numbers."""
    return [SyncEvent.objects.record(kind, sync_type=sync_type, fact=fact).pk for fact in facts]


@pytest.fixture(scope="module")
def runserver(real_processes: None, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory):
    """Django's own server, on the test database."""
    runserver = ApiServer(tmp_path_factory.mktemp("runserver"), environment_of_database(), "runserver")
    runserver.wait_until_it_answers()
    yield runserver
    runserver.stop()


@pytest.fixture(params=["serve", "runserver"])
def server(request: pytest.FixtureRequest, transactional_db: None, real_processes: None) -> ApiServer:
    server: ApiServer = request.getfixturevalue("api_server" if request.param == "serve" else "runserver")
    return server


def test_a_listener_that_is_cut_off_misses_nothing(server: ApiServer, agent):
    with server.listen(agent) as listener:
        number = listener.begin()
        assert listener.response.status == 200
        assert listener.response.headers["Content-Type"] == "text/event-stream"
        assert listener.response.headers["Cache-Control"] == "no-store"
        assert listener.response.headers["X-Accel-Buffering"] == "no"
    happen(1, 2)
    with server.listen(agent, Last_Event_ID=str(number)) as listener:
        first, second = listener.events(2)
        assert [first["facts"], second["facts"]] == [{"fact": 1}, {"fact": 2}]
        happen(3)
        [third] = listener.events(1)
        assert third["facts"] == {"fact": 3}
    with server.listen(agent, f"?lastEventId={first['id']}") as listener:
        assert listener.events(2) == [second, third]
    with server.listen(agent, f"?lastEventId={first['id']}", Last_Event_ID=str(second["id"])) as listener:
        assert listener.events(1) == [third]


def test_only_staff_are_told_which_process_had_the_lock(api_server: ApiServer, agent):
    for listener, holder in ((agent, {}), (UserFactory(is_staff=True), {"fromHolder": "machine:1:2"})):
        with api_server.listen(listener) as stream:
            stream.begin()
            SyncEvent.objects.record(Kind.LOCK_BROKEN, from_holder="machine:1:2", token=7)
            [event] = stream.events(1)
            assert event["facts"] == holder | {"token": 7}


def test_a_listener_chooses_types_and_kinds(server: ApiServer, agent):
    query = "?type=orders&type=ddt&kind=run_failed&kind=run_lost"
    with server.listen(agent, query) as listener:
        listener.begin()
        happen(1, kind=Kind.RUN_FAILED, sync_type="prices")
        happen(2, kind=Kind.RUN_QUEUED, sync_type="orders")
        happen(3, kind=Kind.RUN_FAILED, sync_type="orders")
        happen(4, kind=Kind.RUN_LOST, sync_type="ddt")
        assert [event["facts"]["fact"] for event in listener.events(2)] == [3, 4]


def test_whoever_is_not_signed_in_is_told_so_as_json(server: ApiServer):
    status, body = server.get(EVENTS, Accept="text/event-stream")
    assert status == 401
    assert json.loads(body)["success"] is False


def test_a_browser_listens_with_its_cookie(serve: Callable[..., ApiServer], agent):
    browser = Client()
    browser.force_login(agent)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    with Listener(*serve().open(EVENTS, Cookie=cookie, Accept="text/event-stream")) as listener:
        assert next(listener.blocks()) == {"retry": "2000", "id": "0"}


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.parametrize("what", ["signs out", "is deactivated", "gets another password", "is staff no longer"])
@pytest.mark.django_db(transaction=True)
def test_a_stream_ends_when_its_user_can_ask_for_it_no_longer(monkeypatch, by, what):
    monkeypatch.setattr(live, "HEARTBEAT", 0.2)
    monkeypatch.setattr(live, "LONGEST", 20)  # at the most, if it does not end before
    user = UserFactory(is_staff=True)
    client = Client(headers=signed_in(user) if by == "token" else {})
    if by == "session":
        client.force_login(user)
    stream = iter(cast(Any, client.get(EVENTS)).streaming_content)
    assert next(stream).startswith(b"retry")
    assert [next(stream)[:11] for _ in range(3)] == [b": heartbeat"] * 3  # it goes on
    if what == "signs out":
        SignIn.objects.end()
        client.logout()
    elif what == "gets another password":
        passwords.change_password(user, "another")
    else:
        user.is_staff = False
        user.is_active = what != "is deactivated"
        user.save()
    assert len(list(stream)) < 10  # it ends


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("type=clients", "type"),
        ("type=orders&type=clients", "type"),
        ("kind=run", "kind"),
        ("lastEventId=-1", "lastEventId"),
        ("lastEventId=", "lastEventId"),
        ("lastEventId=last", "lastEventId"),
        (f"lastEventId={2**63}", "lastEventId"),
    ],
)
def test_a_wrong_parameter_is_named(agent, query, wrong):
    answer = asking(agent).get(f"{EVENTS}?{query}", HTTP_ACCEPT="text/event-stream")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()["detail"]) == [wrong]


@pytest.mark.parametrize("number", ["-1", "1.5", "x", str(2**63)])
def test_a_wrong_last_event_id_is_refused(agent, number):
    answer = asking(agent).get(EVENTS, HTTP_LAST_EVENT_ID=number)
    assert answer.status_code == 400
    assert list(answer.json()["detail"]) == ["lastEventId"]


@pytest.mark.parametrize("method", ["head", "post", "put", "delete"])
def test_a_stream_can_only_be_read(agent, method):
    assert getattr(asking(agent), method)(EVENTS).status_code == 405


def asking(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_server_that_is_told_to_stop_ends_all_streams_and_exits_well(serve: Callable[..., ApiServer], agent):
    server = serve()
    agents = [agent, UserFactory(), UserFactory()]
    listeners = [server.listen(agents[number % 3]) for number in range(50)]
    for listener in listeners:
        listener.begin()
    assert server.stop() == 0
    for listener in listeners:
        assert list(listener.blocks()) == []  # the response is whole: anything else raises IncompleteRead
        listener.close()
    assert "Traceback" not in server.log.read_text()


def test_a_user_has_so_many_streams_and_more_when_some_have_ended(serve: Callable[..., ApiServer], agent):
    server = serve(MAX_STREAMS_PER_USER="2")
    with server.listen(agent) as first, server.listen(agent) as second:
        first.begin()
        second.begin()
        connection, refused = server.open(EVENTS, **signed_in(agent))
        with closing(connection):
            assert (refused.status, json.loads(refused.read())["code"]) == (429, "too_many_streams")
            assert int(refused.headers["Retry-After"]) > 0
        with server.listen(UserFactory()) as other:
            other.begin()
    until(lambda: can_listen(server, agent))


def can_listen(server: ApiServer, user: User) -> bool:
    with server.listen(user) as listener:
        return listener.response.status == 200


def test_a_server_that_nobody_listens_to_exits_well(serve: Callable[..., ApiServer]):
    server = serve()
    assert server.stop() == 0
    assert server.log.read_text() == f"Serving on {server.url}/ Stop with Ctrl-C.\n"


def test_listeners_come_back_to_a_server_that_was_started_again(serve: Callable[..., ApiServer], agent):
    server = serve()
    with server.listen(agent) as listener:
        listener.begin()
        happen(1)
        [first] = listener.events(1)
    server.stop()
    happen(2)
    with serve().listen(agent, Last_Event_ID=str(first["id"])) as listener:
        [second] = listener.events(1)
        assert second["facts"] == {"fact": 2}


def connections_to_the_database() -> set[int]:
    """Their processes in PostgreSQL: this test's, and those of servers that other tests share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return {pid for (pid,) in cursor}


@pytest.mark.postgresql
def test_connections_that_the_database_ends_end_no_stream(serve: Callable[..., ApiServer], agent):
    others = connections_to_the_database()
    server = serve()
    with server.listen(agent) as listener:
        listener.begin()
        happen(1)
        listener.events(1)
        [its_connection] = connections_to_the_database() - others  # however many listen, the server has one
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [its_connection])
            assert cursor.fetchone() == (True,)
        happen(2)
        [second] = listener.events(1)
        assert second["facts"] == {"fact": 2}
    assert "The database does not answer those who listen to events" in server.log.read_text()
