"""How often a password may be guessed: by token, on the site's login page and on the admin's, all counted together."""

from datetime import timedelta
from unittest.mock import patch

import pytest
import requests
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from sync.accounts.guesses import TooManyGuesses, count_guess, hash_parts
from sync.models import PasswordGuess
from sync.monitoring import retention
from tests.api.conftest import at_once
from tests.factories import PASSWORD, PasswordGuessFactory

pytestmark = pytest.mark.django_db

STRANGER = hash_parts("sign in", "agente", "")


def by_token(password, name="agente", client=None):
    cache.clear()  # what each process counts by itself, for one address
    return (client or APIClient()).post("/api/token", {"username": name, "password": password})


def by_page(password, name="agente", client=None, page="/login"):
    cache.clear()
    return (client or Client(headers={"accept-language": "en"})).post(page, {"username": name, "password": password})


def calls(method):
    """Counts what a method of the passwords' hasher is asked to do."""
    return patch.object(MD5PasswordHasher, method, autospec=True, side_effect=getattr(MD5PasswordHasher, method))


def guessed(times, counted_as=STRANGER, **ago):
    PasswordGuessFactory.create_batch(times, counted_as=counted_as, at=timezone.now() - timedelta(**ago))


def test_of_a_hundred_and_one_wrong_passwords_a_hundred_are_looked_at_wherever_they_are_given(agent):
    ways = [by_token, by_page, lambda password: by_page(password, page="/admin/login/")]
    with calls("verify") as verify:
        statuses = [ways[number % 3]("wrong").status_code for number in range(101)]
        assert statuses == [401, 200, 200] * 33 + [401, 429]
        assert verify.call_count == 100
        assert by_token(PASSWORD).status_code == 429
        assert verify.call_count == 100


@pytest.mark.parametrize("name", ["agente", "nobody"])
def test_the_refusal_says_how_long_to_wait_whether_or_not_there_is_such_a_name(agent, name):
    guessed(99, hash_parts("sign in", name, ""), minutes=10)
    guessed(1, hash_parts("sign in", name, ""), minutes=20)
    refused = by_token("wrong", name)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 2390 <= int(refused["Retry-After"]) <= 2400
    page = by_page("wrong", name)
    assert (page.status_code, page["Retry-After"]) == (429, refused["Retry-After"])
    assert "Wait 40 minutes, then try again." in page.content.decode()


def test_variants_of_a_name_are_no_more_guesses(agent):
    guessed(100)
    assert by_token(PASSWORD, " AGENTE").status_code == 429


def test_a_colleague_is_not_kept_out(agent, colleague):
    guessed(100)
    assert by_token(PASSWORD, "collega").status_code == 200


def test_after_an_hour_they_count_no_more(agent):
    guessed(100)
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert by_token(PASSWORD).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert by_token(PASSWORD).status_code == 200


def test_a_refused_guess_does_not_make_the_wait_longer(agent):
    guessed(100, minutes=59)
    for _ in range(5):
        assert by_token("wrong").status_code == 429
    assert PasswordGuess.objects.count() == 100


@pytest.mark.parametrize("sign_in", [by_token, by_page])
def test_a_right_password_is_no_guess(agent, sign_in):
    for _ in range(3):
        assert sign_in(PASSWORD).status_code in (200, 302)
    assert not PasswordGuess.objects.exists()


@pytest.mark.parametrize("name", ["agente", "collega"])
def test_whoever_is_signed_in_already_gains_no_guesses_with_the_form(agent, name):
    client = Client()
    client.force_login(agent)
    answer = by_page("wrong", name, client, "/admin/login/")
    assert answer.status_code == 200
    assert not [cookie for cookie in answer.cookies if cookie.startswith("device-")]
    assert PasswordGuess.objects.count() == 1


def test_a_browser_in_which_he_has_signed_in_before_lets_the_agent_in_while_a_stranger_guesses(agent):
    client = Client()
    assert by_page(PASSWORD, client=client).status_code == 302
    client.post("/logout")
    guessed(100)
    assert by_page(PASSWORD).status_code == 429
    assert by_page(PASSWORD, client=client).status_code == 302
    [cookie] = [client.cookies[name] for name in client.cookies if name.startswith("device-")]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert "agente" not in str(cookie)


def test_such_a_browser_has_a_hundred_guesses_of_its_own_and_none_of_another_name(agent, colleague):
    client = Client()
    by_page(PASSWORD, client=client)
    client.post("/logout")
    statuses = [by_page("wrong", client=client).status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert by_page(PASSWORD).status_code == 302
    guessed(100, hash_parts("sign in", "collega", ""))
    assert by_page(PASSWORD, "collega", client).status_code == 429


def test_an_invented_browser_is_none(agent):
    client = Client()
    client.cookies[f"device-{hash_parts('agente')[:32]}"] = "invented:1tZz:signature"
    guessed(100)
    assert by_page(PASSWORD, client=client).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_guesses_that_come_together_none_is_let_through_too_many():
    guessed(95)

    def guess():
        try:
            return count_guess(STRANGER)
        except TooManyGuesses:
            return None

    let_through = [guess for guess in at_once(*[guess] * 20) if guess]
    assert len(let_through) <= 5
    assert PasswordGuess.objects.count() == 95 + len(let_through)


def test_all_web_servers_count_together_and_one_that_is_started_again_has_forgotten_none(serve):
    servers = [serve(), serve()]
    guessed(99)

    def guess(server):
        wrong = {"username": "agente", "password": "wrong"}
        return requests.post(f"{server.url}/api/token", json=wrong, timeout=60).status_code

    assert [guess(server) for server in servers] == [401, 429]
    servers[0].stop()
    assert guess(serve()) == 429


def test_one_that_comes_between_is_seen(monkeypatch):
    """The last place is taken between looking and writing."""
    guessed(99)
    create = PasswordGuess.objects.create

    def create_two(**row):
        create(**row)
        return create(**row)

    monkeypatch.setattr(PasswordGuess.objects, "create", create_two)
    with pytest.raises(TooManyGuesses):
        count_guess(STRANGER)
    assert PasswordGuess.objects.count() == 100


@pytest.mark.parametrize("ask", [by_token, by_page])
def test_nothing_that_is_done_tells_which_names_there_are(agent, colleague, ask):
    """As many passwords are hashed and as many queries asked, so that the time is the same."""
    colleague.is_active = False
    colleague.save()
    told = set()
    ask("warmed up", "somebody")
    for name in ("agente", "collega", "nobody"):
        with calls("encode") as encode, CaptureQueriesContext(connection) as queries:
            answer = ask("wrong", name)
        told.add((answer.status_code, encode.call_count, len(queries)))
    assert len(told) == 1


def test_old_guesses_are_deleted(agent):
    guessed(2, minutes=61)
    guessed(1, minutes=59)
    retention.prune()
    assert PasswordGuess.objects.count() == 1
