"""What is dangerous needs the password again after 5 minutes: asked for by a page that loses no input, or by the API's 403."""

import re
import time
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import ScryptPasswordHasher as Scrypt
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.test import Client
from django.urls import include, path

from services.errors import ConfirmationNeeded
from sockpanel.accounts import confirming
from sockpanel.accounts.models import Token, User
from sockpanel.pages import certificates
from tests.conftest import PASSWORD

MINUTE = 60
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
done: list[dict[str, list[str]]] = []


def dangerous(request: HttpRequest) -> HttpResponse:
    """A page that does something dangerous with the fields of its form."""
    confirming.check(request)
    done.append({name: [str(value) for value in values] for name, values in request.POST.lists()})
    return HttpResponse(get_token(request))


async def dangerous_too(request: HttpRequest) -> HttpResponse:
    await confirming.acheck(request)
    done.append({})
    return HttpResponse()


urlpatterns = [
    path("dangerous", dangerous),
    path("later", dangerous_too),
    path("api/v1/dangerous", dangerous),
    path("", include("sockpanel.urls")),
]


@pytest.fixture(autouse=True)
def page(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    done.clear()


@pytest.fixture
def signed_in(ada: User) -> Client:
    """Ada, who signed in a moment ago; forms need their CSRF token."""
    client = Client()
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    return client


def later(client: Client, seconds: float = 6 * MINUTE) -> None:
    session = client.session
    session["confirmed_at"] = int(time.time() - seconds)
    session.save()


def fields_of(page: HttpResponse) -> dict[str, list[str]]:
    """What the hidden fields of the page carry, as a browser would send it."""
    found = re.findall(r'<textarea name="([^"]*)" hidden>\n(.*?)</textarea>', page.content.decode(), re.DOTALL)
    fields: dict[str, list[str]] = {}
    for name, value in found:
        fields.setdefault(unescape(name), []).append(unescape(value))
    return fields


def test_a_fresh_sign_in_counts(signed_in: Client):
    assert signed_in.post("/dangerous", {"role": "admin"}).status_code == 200
    assert done == [{"role": ["admin"]}]


@pytest.mark.parametrize(("seconds", "status"), [(290, 200), (301, 403), (-60, 403)])
def test_the_password_holds_for_five_minutes_and_not_from_the_future(signed_in: Client, seconds: int, status: int):
    later(signed_in, seconds)
    assert signed_in.post("/dangerous").status_code == status
    assert len(done) == (status == 200)


def test_a_form_that_needs_the_password_loses_nothing_on_its_way(signed_in: Client):
    sent = {"name": ["<b>\"'&", "\nsecond\n  line "], "role": ["admin"], "empty": [""], "Grüße": ["\x7f€"]}
    later(signed_in)
    asked = signed_in.post("/dangerous?tab=1", sent)
    assert (asked.status_code, done) == (403, [])
    assert b'action="/dangerous?tab=1"' in asked.content
    assert fields_of(asked) == sent
    answer = signed_in.post("/dangerous?tab=1", {**fields_of(asked), confirming.FIELD: PASSWORD})
    assert answer.status_code == 200
    assert done == [sent]  # without the password
    assert signed_in.post("/dangerous").status_code == 200


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/dangerous", (urlencode({confirming.FIELD: PASSWORD}), FORM)),
        ("/api/v1/confirm", ({"password": PASSWORD}, JSON)),
    ],
)
def test_a_password_that_is_hashed_at_higher_costs_keeps_its_browser_and_ends_the_others(
    signed_in: Client, ada: User, monkeypatch: pytest.MonkeyPatch, url: str, sent: tuple[Any, str]
):
    other = Client()
    other.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    later(signed_in)
    monkeypatch.setattr(Scrypt, "work_factor", Scrypt.work_factor * 2)
    assert signed_in.post(url, *sent).status_code in (200, 204)
    assert User.objects.get().password != ada.password
    assert signed_in.post("/dangerous").status_code == 200
    assert [client.post("/dangerous").status_code for client in (signed_in, other)] == [200, 302]


def test_a_wrong_password_is_told_and_the_fields_are_carried_on(signed_in: Client):
    later(signed_in)
    asked = signed_in.post("/dangerous", {"role": "admin", confirming.FIELD: "wrong"})
    assert (asked.status_code, done) == (403, [])
    assert confirming.WRONG.encode() in asked.content
    assert fields_of(asked) == {"role": ["admin"]}
    assert b'value="wrong"' not in asked.content


def test_keys_and_passwords_are_on_no_page_and_asked_for_again(signed_in: Client):
    secret = {
        "key": "-----BEGIN PRIVATE KEY-----",
        "password": "passphrase",
        "password1": "hunter2",
        "password2": "hunter3",
    }
    later(signed_in)
    asked = signed_in.post("/dangerous", {"name": "lab", **secret})
    wrong = signed_in.post("/dangerous", {"name": "lab", **secret, confirming.FIELD: "not hers"})
    for page in (asked, wrong):
        shown = page.content.decode()
        assert [value for value in secret.values() if value in shown] == []
        assert fields_of(page) == {"name": ["lab"]}
        assert [name for name in secret if f'id="again-{name}"' in shown] == list(secret)
    signed_in.post("/dangerous", {**fields_of(asked), **secret, confirming.FIELD: PASSWORD})
    assert done == [{"name": ["lab"], **{name: [value] for name, value in secret.items()}}]


def test_what_was_left_empty_is_not_asked_for_again(signed_in: Client):
    later(signed_in)
    assert b"again-" not in signed_in.post("/dangerous", {"key": "", "password": "", "name": "lab"}).content


@pytest.mark.django_db(databases=["default", "messages"])
@pytest.mark.parametrize(
    "address",
    ["/certificates/", "/commands/keys/", "/users/", "/admin/accounts/user/add/", "/admin/accounts/user/{}/password/"],
)
def test_every_secret_of_a_form_behind_the_question_is_known_as_one(signed_in: Client, ada: User, address: str):
    page = signed_in.get(address.format(ada.pk))
    assert page.status_code == 200
    inputs = re.findall(r'<input[^>]*type="password"[^>]*>', page.content.decode())
    names = {name[1] for one in inputs if (name := re.search(r'name="([^"]*)"', one))}
    assert names | set(certificates.SECRET) <= {secret.name for secret in confirming.SECRETS}


@pytest.mark.django_db(databases=["default", "messages"])
def test_djangos_admin_makes_somebody_whose_password_is_given_again(signed_in: Client):
    path, new = "/admin/accounts/user/add/", "another good passphrase"
    passwords = {"password1": new, "password2": new}
    later(signed_in)
    asked = signed_in.post(path, {"username": "grace", "role": "viewer", "usable_password": "true", **passwords})
    assert (asked.status_code, new.encode() in asked.content) == (403, False)
    made = signed_in.post(path, {**fields_of(asked), **passwords, confirming.FIELD: PASSWORD})
    assert made.status_code == 302
    assert User.objects.get(username="grace").check_password(new)


def test_looking_needs_no_password(signed_in: Client):
    later(signed_in)
    assert signed_in.get("/dangerous").status_code == 200


def test_asynchronous_pages_ask_too(signed_in: Client):
    later(signed_in)
    assert signed_in.post("/later").status_code == 403
    assert signed_in.post("/later", {confirming.FIELD: PASSWORD}).status_code == 200
    assert len(done) == 1


def test_a_token_needs_no_password(ada: User):
    headers = {"Authorization": f"Bearer {Token.issue(ada)}"}
    assert Client(headers=headers).post("/dangerous").status_code == 200


def test_a_page_that_forges_the_form_needs_the_csrf_token_all_the_same(ada: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    later(client)
    answer = client.post("/dangerous", {confirming.FIELD: PASSWORD})
    assert (answer.status_code, b"SP-1010" in answer.content) == (403, True)
    token = client.get("/dangerous").content.decode()
    done.clear()
    client.post("/dangerous", {confirming.FIELD: PASSWORD, "csrfmiddlewaretoken": token})
    assert len(done) == 1


def test_the_api_says_what_it_needs_and_takes_the_password(signed_in: Client):
    later(signed_in)
    refused = signed_in.post("/api/v1/dangerous", urlencode({confirming.FIELD: PASSWORD}), "application/json")
    assert (refused.status_code, refused.json()["code"], done) == (403, "SP-1011", [])
    wrong = signed_in.post("/api/v1/confirm", {"password": "wrong"}, "application/json")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (403, "SP-1012", "password")
    assert signed_in.post("/api/v1/dangerous").status_code == 403
    assert signed_in.post("/api/v1/confirm", {"password": PASSWORD}, "application/json").status_code == 204
    assert signed_in.post("/api/v1/dangerous").status_code == 200


@pytest.mark.parametrize("body", [{}, {"password": 1}, {"password": PASSWORD, "more": 1}])
def test_the_api_takes_nothing_but_a_password(signed_in: Client, body: dict[str, Any]):
    assert signed_in.post("/api/v1/confirm", body, "application/json").status_code == 422


def test_a_token_cannot_try_passwords(ada: User):
    headers = {"Authorization": f"Bearer {Token.issue(ada)}"}
    answer = Client(headers=headers).post("/api/v1/confirm", {"password": PASSWORD}, "application/json")
    assert answer.status_code == 422


def test_passwords_cannot_be_guessed_here_either(signed_in: Client, monkeypatch: pytest.MonkeyPatch):
    hashed: list[str] = []
    monkeypatch.setattr(User, "check_password", lambda _self, password: hashed.append(password))
    later(signed_in)
    answers = [signed_in.post("/api/v1/confirm", {"password": f"{n}"}, "application/json") for n in range(12)]
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert len(hashed) <= 10


def test_nobody_is_confirmed_by_the_password_of_another(signed_in: Client, otto: User):
    request = HttpRequest()
    request.method, request.user, request.session = "POST", otto, signed_in.session
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.POST = QueryDict(urlencode({confirming.FIELD: "not otto's"}))
    later(signed_in)
    request.session = signed_in.session
    with pytest.raises(ConfirmationNeeded):
        confirming.check(request)
    assert request.session[SESSION_KEY] == str(User.objects.get(username="ada").pk)
