"""Signing in by token and by session, and what keeps others out."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from tests.api.conftest import at_once, signed_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

STATUS = "/api/sync/status"


def tokens(client, user):
    return client.post("/api/token", {"username": user.username, "password": PASSWORD}).json()


def bearer(access):
    return APIClient(headers={"authorization": f"Bearer {access}"})


def test_a_token_signs_in(agent):
    answer = APIClient().post("/api/token", {"username": "agente", "password": PASSWORD})
    assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
    assert bearer(answer.json()["access"]).get(STATUS).status_code == 200


def test_a_wrong_password_is_401_in_the_shape_of_every_error(agent):
    answer = APIClient().post("/api/token", {"username": "agente", "password": "another"})
    assert answer.status_code == 401
    assert (answer.json()["success"], answer.json()["code"]) == (False, "no_active_account")


def test_no_token_is_401_and_says_how_to_sign_in():
    answer = APIClient().get(STATUS)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_is_401():
    answer = bearer("nonsense").get(STATUS)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer.json()["error"]


def test_a_refresh_token_serves_once(agent):
    client = APIClient()
    first = tokens(client, agent)["refresh"]
    second = client.post("/api/token/refresh", {"refresh": first})
    assert (second.status_code, set(second.json())) == (200, {"access", "refresh"})
    third = client.post("/api/token/refresh", {"refresh": second.json()["refresh"]})
    assert third.status_code == 200
    assert bearer(third.json()["access"]).get(STATUS).status_code == 200
    assert client.post("/api/token/refresh", {"refresh": first}).status_code == 401


def test_a_refresh_token_that_is_used_twice_ends_all_that_came_from_its_sign_in_and_nothing_else(agent, caplog):
    client = APIClient()
    first, other = tokens(client, agent), tokens(client, agent)
    second = client.post("/api/token/refresh", {"refresh": first["refresh"]}).json()

    assert client.post("/api/token/refresh", {"refresh": first["refresh"]}).status_code == 401

    for access in (first["access"], second["access"]):
        refused = bearer(access).get(STATUS, headers={"accept-language": "en"})
        assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
        assert refused.json()["error"] == "You are no longer signed in: sign in again."
    assert client.post("/api/token/refresh", {"refresh": second["refresh"]}).status_code == 401
    assert bearer(other["access"]).get(STATUS).status_code == 200
    [line] = [record.getMessage() for record in caplog.records if record.name == "sync.api.tokens"]
    assert line == "A refresh token of 'agente' was used twice: all tokens of that sign-in end"


@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_serves_once_however_many_ask_at_once(agent):
    refresh = tokens(APIClient(), agent)["refresh"]
    answers = at_once(*[lambda: APIClient().post("/api/token/refresh", {"refresh": refresh})] * 12)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 11


def test_signing_out_ends_the_refresh_token_and_the_access_token_at_once(agent):
    client = APIClient()
    given, other = tokens(client, agent), tokens(client, agent)
    assert client.post("/api/token/blacklist", {"refresh": given["refresh"]}).status_code == 200
    assert client.post("/api/token/refresh", {"refresh": given["refresh"]}).status_code == 401
    assert client.post("/api/token/blacklist", {"refresh": given["refresh"]}).status_code == 401
    assert bearer(given["access"]).get(STATUS).status_code == 401
    assert bearer(other["access"]).get(STATUS).status_code == 200


def test_a_token_that_names_no_sign_in_is_refused(agent):
    """Such tokens were given before sign-ins were kept."""
    refresh = RefreshToken.for_user(agent)
    assert bearer(refresh.access_token).get(STATUS).status_code == 401
    assert APIClient().post("/api/token/refresh", {"refresh": str(refresh)}).status_code == 401
    assert APIClient().post("/api/token/blacklist", {"refresh": str(refresh)}).status_code == 401


def test_looking_at_a_sign_in_costs_a_request_one_query(agent):
    client = bearer(tokens(APIClient(), agent)["access"])
    client.get("/api/drafts")
    with CaptureQueriesContext(connection) as by_token:
        assert client.get("/api/drafts").status_code == 200
    with CaptureQueriesContext(connection) as without:
        assert signed_in(agent).get("/api/drafts").status_code == 200
    assert len(by_token) == len(without) + 2  # the user, and the sign-in


def test_a_new_password_ends_every_token(agent):
    client = APIClient()
    before = tokens(client, agent)
    agent.set_password("another")
    agent.save()
    assert bearer(before["access"]).get(STATUS).status_code == 401
    assert client.post("/api/token/refresh", {"refresh": before["refresh"]}).status_code == 401


def test_who_is_no_longer_active_is_let_in_nowhere(agent):
    access = tokens(APIClient(), agent)["access"]
    agent.is_active = False
    agent.save()
    assert bearer(access).get(STATUS).status_code == 401


def test_a_session_signs_in_too_and_then_changes_need_the_csrf_token(agent):
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent)
    assert client.get(STATUS).status_code == 200
    refused = client.post("/api/customers/resume-syncs", "{}", content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def test_attempts_to_sign_in_are_the_strictest_counted(agent):
    declared: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    rates = {name: int(rate.partition("/")[0]) for name, rate in declared.items()}
    assert rates["login"] < rates["anon"] < rates["user"]
    client = APIClient()
    wrong = {"username": "agente", "password": "another"}
    statuses = [client.post("/api/token", wrong).status_code for _ in range(rates["login"] + 1)]
    assert statuses == [401] * rates["login"] + [429]
    answer = client.post("/api/token", wrong)
    assert (answer.json()["code"], answer.json()["detail"]["retryAfter"]) == ("throttled", int(answer["Retry-After"]))


def test_a_colleague_behind_the_same_address_is_not_locked_out(agent, colleague):
    client = APIClient()
    for _ in range(11):
        client.post("/api/token", {"username": "agente", "password": "another"})
    assert client.post("/api/token", {"username": "AGENTE", "password": PASSWORD}).status_code == 429
    assert client.post("/api/token", {"username": "collega", "password": PASSWORD}).status_code == 200


def test_the_admin_s_login_form_counts_too(agent):
    client = Client()
    wrong = {"username": "agente", "password": "another"}
    statuses = [client.post("/admin/login/", wrong).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert APIClient().post("/api/token", wrong).status_code == 429


def test_names_that_are_tried_one_after_another_are_counted_together():
    client = APIClient()
    statuses = [client.post("/api/token", {"username": str(n), "password": "x"}).status_code for n in range(61)]
    assert (statuses[59], statuses[60]) == (401, 429)


def test_an_address_that_a_client_invents_makes_it_nobody_else(agent):
    client = APIClient()
    attempts = [
        client.post("/api/token", {}, headers={"x-forwarded-for": f"10.0.0.{number}"}).status_code
        for number in range(11)
    ]
    assert attempts[-1] == 429


def test_pages_of_other_origins_may_not_call_it_by_default(agent):
    answer = APIClient().get(STATUS, headers={"origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answer


def test_an_origin_that_is_set_may(settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://agents.example"]
    asked = {"origin": "https://agents.example", "access-control-request-method": "POST"}
    answer = APIClient().options("/api/drafts", headers=asked)
    assert answer["Access-Control-Allow-Origin"] == "https://agents.example"
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in APIClient().get(
        "/admin/login/", headers={"origin": "https://agents.example"}
    )


def test_an_italian_browser_is_answered_in_italian(agent):
    italian = APIClient(headers={"accept-language": "it"})
    wrong = italian.post("/api/token", {"username": "agente", "password": "another"})
    assert wrong.json()["error"] == "Nome utente o password errati, o account non attivo."
    italian.force_authenticate(agent)
    answer = italian.post("/api/customers/smart-sync", {"sessionId": "5"})
    assert answer.json()["detail"] == {"sessionId": ["Deve essere un UUID valido."]}
