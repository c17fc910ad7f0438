"""What a 429 of the API says: what was counted, and when to come again."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation
from rest_framework.test import APIClient
from rest_framework.throttling import UserRateThrottle

from sync.accounts import passwords
from sync.api.errors import TooManyRequests
from sync.monitoring import live
from tests.api.conftest import signed_in
from tests.api.test_password_guesses import STRANGER
from tests.factories import PasswordGuessFactory

LANGUAGES = ("it", "en")


def errors_of(ask):
    """The sentence in each language."""
    answers = [ask({"accept-language": language}) for language in LANGUAGES]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert all(answer.json()["detail"] == {"retryAfter": int(answer["Retry-After"])} for answer in answers)
    return [answer.json()["error"] for answer in answers]


@pytest.mark.parametrize(
    ("seconds", "italian", "english"),
    [
        (1, "Attendi 1 secondo, poi riprova.", "Wait 1 second, then try again."),
        (119, "Attendi 119 secondi, poi riprova.", "Wait 119 seconds, then try again."),
        (120, "Attendi 2 minuti, poi riprova.", "Wait 2 minutes, then try again."),
        (3450, "Attendi 58 minuti, poi riprova.", "Wait 58 minutes, then try again."),
    ],
)
def test_the_wait_is_told_in_seconds_and_from_two_minutes_on_in_minutes(seconds, italian, english):
    for language, text in (("it", italian), ("en", english)):
        with translation.override(language):
            assert str(TooManyRequests("Why.", seconds).detail) == f"Why. {text}"


@pytest.mark.django_db
def test_wrong_passwords_for_a_name(agent):
    PasswordGuessFactory.create_batch(100, counted_as=STRANGER, at=timezone.now() - timedelta(seconds=150))
    wrong = {"username": "agente", "password": "another"}
    assert errors_of(lambda headers: APIClient().post("/api/token", wrong, headers=headers)) == [
        "Troppe password sbagliate per questo nome. Attendi 58 minuti, poi riprova.",
        "Too many wrong passwords were given for this name. Wait 58 minutes, then try again.",
    ]


@pytest.mark.django_db
def test_attempts_to_sign_in(agent):
    wrong = {"username": "agente", "password": "another"}
    for _ in range(10):
        APIClient().post("/api/token", wrong)
    italian, english = errors_of(lambda headers: APIClient().post("/api/token", wrong, headers=headers))
    assert italian.startswith("Troppi tentativi di accesso, con questo nome o da questo indirizzo. Attendi ")
    assert english.startswith("Too many attempts to sign in, with this name or from this address. Wait ")


@pytest.mark.django_db
def test_wrong_current_passwords(agent):
    wrong = {"currentPassword": "wrong", "newPassword": "una parola ancora più segreta"}
    client = signed_in(agent)
    for _ in range(passwords.MOST):
        client.post("/api/account/password", wrong)
    assert errors_of(lambda headers: client.post("/api/account/password", wrong, headers=headers)) == [
        "La password attuale è stata sbagliata troppe volte. Attendi 60 minuti, poi riprova.",
        "Too many wrong current passwords were given. Wait 60 minutes, then try again.",
    ]


@pytest.mark.django_db
def test_streams_of_events(agent, monkeypatch):
    monkeypatch.setattr(live, "subscribe", lambda user: None)
    client = signed_in(agent)
    italian, english = errors_of(lambda headers: client.get("/api/sync/events", headers=headers))
    assert italian.endswith(" Attendi 30 secondi, poi riprova.")
    assert english == (
        "You already have 20 pages or programs that listen to events. Close some of them. "
        "Wait 30 seconds, then try again."
    )


@pytest.mark.django_db
@pytest.mark.parametrize("wait", [29.2, None])
def test_requests(agent, monkeypatch, wait):
    monkeypatch.setattr(UserRateThrottle, "allow_request", lambda *_: False)
    monkeypatch.setattr(UserRateThrottle, "wait", lambda _: wait)
    seconds = ("30 secondi", "30 seconds") if wait else ("1 secondo", "1 second")
    assert errors_of(lambda headers: signed_in(agent).get("/api/sync/status", headers=headers)) == [
        f"Troppe richieste in poco tempo. Attendi {seconds[0]}, poi riprova.",
        f"Too many requests in a short time. Wait {seconds[1]}, then try again.",
    ]
