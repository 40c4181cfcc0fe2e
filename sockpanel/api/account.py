"""One's own account: how the panel looks, and tokens. What a token may not do about its owner is refused (403)."""

from typing import cast

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors
from sockpanel.accounts import own, telling
from sockpanel.accounts.models import User
from sockpanel.api import people_schemas as shapes
from sockpanel.api import requests
from sockpanel.api.access import Allowed
from sockpanel.api.body import json, nothing, taken
from sockpanel.api.openapi import described
from sockpanel.api.users import Number

router = Router(tags=["account"])


@router.get("/account", auth=Allowed("account.see"), **described({200: shapes.Account}))
def read_account(request: HttpRequest) -> HttpResponse:
    """Who is asking, and with which role."""
    return json(_told(_person(request)))


@router.patch("/account", auth=Allowed("account.change"), **described({200: shapes.Account}, body=requests.Looks))
def change_account(request: HttpRequest) -> HttpResponse:
    """How the panel looks to this person, wherever they sign in."""
    wanted = taken(request, requests.Looks)
    user = _person(request)
    own.change_looks(user, msgspec.to_builtins(wanted))
    return json(_told(user))


@router.get("/account/tokens", auth=Allowed("account.see"), **described({200: shapes.OwnTokens}))
def list_tokens(request: HttpRequest) -> HttpResponse:
    """All of one's own; the tokens themselves are known to nobody."""
    tokens = _person(request).tokens.select_related("user").order_by("-pk")
    return json({"tokens": [telling.token(one) for one in tokens]})


@router.post(
    "/account/tokens",
    auth=Allowed("tokens.create"),
    **described(
        {201: shapes.MadeToken}, errors.ConfigurationRefused, errors.ConfirmationNeeded, body=requests.NewToken
    ),
)
def create_token(request: HttpRequest) -> HttpResponse:
    """A token for a script, with a role that it has at most, and an end."""
    wanted = taken(request, requests.NewToken)
    user = _person(request)
    secret = own.create_token(user, wanted.name, wanted.scope, wanted.days)
    return json({**telling.token(own.token_of(user, secret)), "token": secret}, status=201)


@router.delete("/account/tokens/{number}", auth=Allowed("account.change"), **described({204: None}, errors.SessionGone))
def delete_token(request: HttpRequest, number: Number) -> HttpResponse:
    """Revoke it: its scripts are let in no more."""
    own.revoke_token(_person(request), number)
    return nothing()


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _told(user: User) -> dict[str, str]:
    return {"username": user.username, "role": user.rank, "theme": user.theme, "language": user.language}
