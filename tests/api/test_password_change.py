"""Changing one's own password: on the page and by the API."""

import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from sync.accounts import passwords
from sync.models import PasswordGuess
from tests.api.conftest import signed_in
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

ENGLISH = {"accept-language": "en"}
NEW = "una parola ancora più segreta"
STATUS = "/api/sync/status"
API, PAGE = "/api/account/password", "/account/password"


def tokens(user, password=PASSWORD):
    return APIClient().post("/api/token", {"username": user.username, "password": password}).json()


def bearer(access):
    return APIClient(headers=ENGLISH | {"authorization": f"Bearer {access}"})


def session(user):
    client = Client(headers=ENGLISH)
    client.force_login(user)
    return client


def by_api(client, current=PASSWORD, new=NEW):
    asked = {"currentPassword": current, "newPassword": new}
    return (
        client.post(API, asked, content_type="application/json") if type(client) is Client else client.post(API, asked)
    )


def by_page(client, current=PASSWORD, new=NEW, again=None):
    asked = {"old_password": current, "new_password1": new, "new_password2": again or new}
    return client.post(PAGE, asked)


def signs_in(user, password):
    return "access" in tokens(user, password)


@pytest.mark.parametrize("change", [by_api, by_page])
def test_the_session_in_use_goes_on_and_all_else_ends(agent, change):
    here, elsewhere, given = session(agent), session(agent), tokens(agent)

    answer = change(here)

    assert answer.status_code in (200, 302)
    assert here.get(STATUS).status_code == 200
    assert elsewhere.get(STATUS).status_code == 401
    assert bearer(given["access"]).get(STATUS).status_code == 401
    assert APIClient().post("/api/token/refresh", {"refresh": given["refresh"]}).status_code == 401
    assert (signs_in(agent, PASSWORD), signs_in(agent, NEW)) == (False, True)


def test_who_asks_by_token_gets_new_tokens_and_all_else_ends(agent):
    here, elsewhere, other = tokens(agent), session(agent), tokens(agent)

    answer = by_api(bearer(here["access"]))

    assert (answer.status_code, answer.json()["message"]) == (200, "The password is changed.")
    fresh = answer.json()["tokens"]
    assert bearer(fresh["access"]).get(STATUS).status_code == 200
    assert APIClient().post("/api/token/refresh", {"refresh": fresh["refresh"]}).status_code == 200
    assert elsewhere.get(STATUS).status_code == 401
    for ended in (here, other):
        assert bearer(ended["access"]).get(STATUS).status_code == 401
        assert APIClient().post("/api/token/refresh", {"refresh": ended["refresh"]}).status_code == 401


def test_a_session_gets_no_tokens(agent):
    assert by_api(session(agent)).json()["tokens"] is None


@pytest.mark.parametrize("change", [by_api, by_page])
def test_nobody_changes_it_who_does_not_know_the_current_one(agent, change):
    change(session(agent), current="wrong")
    assert signs_in(agent, PASSWORD)


def test_the_api_says_what_is_wrong_with_each_password(agent):
    client = signed_in(agent)
    wrong = by_api(client, current="wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
    assert wrong.json()["detail"] == {"currentPassword": ["The current password is wrong."]}
    weak = by_api(client, new="agente")
    assert weak.status_code == 400
    assert weak.json()["detail"]["newPassword"] == [
        "The password is too similar to the username.",
        "This password is too short. It must contain at least 8 characters.",
    ]
    assert by_api(client, new="").json()["detail"].keys() == {"newPassword"}
    assert signs_in(agent, PASSWORD)


@pytest.mark.parametrize(
    ("weak", "text"),
    [
        ("anna", "Questa password è troppo corta. Deve contenere almeno 8 caratteri."),
        ("password", "Questa password è troppo comune."),
        ("agente", "La password è troppo simile a nome utente."),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said_in_italian(agent, weak, text):
    client = Client(headers={"accept-language": "it"})
    client.force_login(agent)
    assert text in by_api(client, new=weak).json()["detail"]["newPassword"]
    assert text in by_page(client, new=weak).content.decode()


def test_a_password_of_one_character_is_said_in_the_singular():
    with translation.override("it"), pytest.raises(ValidationError, match=r"almeno 1 carattere\."):
        MinimumLengthValidator(1).validate("")


def test_the_page_says_what_is_wrong_with_each_password(agent):
    client = session(agent)
    assert "Your old password was entered incorrectly" in by_page(client, current="wrong").content.decode()
    assert "This password is too short" in by_page(client, new="x").content.decode()
    assert "didn’t match" in by_page(client, again="another").content.decode()
    assert signs_in(agent, PASSWORD)


def test_spaces_at_the_ends_of_a_password_count(agent):
    assert by_api(signed_in(agent), new=f" {NEW} ").status_code == 200
    assert (signs_in(agent, NEW), signs_in(agent, f" {NEW} ")) == (False, True)


@pytest.mark.parametrize(("change", "refused"), [(by_api, 400), (by_page, 200)])
def test_ten_wrong_current_passwords_are_looked_at_in_an_hour(agent, change, refused):
    client = session(agent)
    assert [change(client, current="wrong").status_code for _ in range(11)] == [refused] * 10 + [429]
    answer = change(client)
    assert answer.status_code == 429
    assert 3590 < int(answer["Retry-After"]) <= 3600
    assert change(session(UserFactory())).status_code in (200, 302)
    assert signs_in(agent, PASSWORD)


def test_they_are_counted_together_and_no_right_one_is(agent):
    client = session(agent)
    for _ in range(5):
        by_api(client, current="wrong")
        by_page(client, current="wrong")
    assert by_api(client).status_code == by_page(client).status_code == 429
    assert "wait 60 minutes, then try again" in by_page(client).content.decode()
    PasswordGuess.objects.all().delete()
    for number in range(passwords.MOST + 1):
        assert by_page(client, current=PASSWORD, new="x").status_code == 200, number


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}/changed"])
def test_who_is_not_signed_in_is_asked_to(address):
    assert Client().get(address)["Location"] == f"/login?next={address}"
    assert APIClient().post(API, {}).status_code == 401


def test_a_form_of_another_site_changes_nothing(agent):
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent)
    assert by_page(client).status_code == 403
    assert by_api(client).status_code == 403
    assert signs_in(agent, PASSWORD)


def test_every_page_of_an_agent_leads_there(agent):
    assert f'href="{PAGE}"' in session(agent).get("/drafts").content.decode()


def test_the_admin_s_link_leads_to_the_same_page(agent):
    agent.is_staff = True
    agent.save()
    assert session(agent).get("/admin/password_change/")["Location"] == PAGE
