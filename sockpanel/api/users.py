"""People and invitations, for admins."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from msgspec import UNSET
from ninja import Path, Router

from services import errors
from sockpanel.accounts import invitations, people, telling
from sockpanel.api import people_schemas as shapes
from sockpanel.api import requests
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, nothing, taken
from sockpanel.api.openapi import described

router = Router(tags=["users"])
Number = Annotated[int, Path(ge=0, le=2**63 - 1)]


@router.get("/users", auth=Allowed("users.see"), **described({200: shapes.Users}))
def list_users(request: HttpRequest) -> HttpResponse:
    """Everybody who has an account, by name."""
    return json({"users": telling.everybody()})


@router.patch(
    "/users/{username}",
    auth=Allowed("users.change"),
    **described(
        {200: shapes.User},
        errors.UserUnknown,
        errors.LastAdmin,
        errors.ConfirmationNeeded,
        body=requests.UserFields,
    ),
)
def change_user(request: HttpRequest, username: str) -> HttpResponse:
    """Give somebody another role, or let them in no more, or again. It holds at once, in open pages too."""
    wanted = taken(request, requests.UserFields)
    user = people.find(username)
    if wanted.role is not UNSET:
        people.change_role(user.username, wanted.role, who(request))
    if wanted.active is not UNSET:
        (people.enable if wanted.active else people.disable)(user.username, who(request))
    return json(telling.everybody(username)[0])


@router.post(
    "/users/{username}/sign-out",
    auth=Allowed("users.revoke"),
    **described({200: shapes.Ended}, errors.UserUnknown),
)
def sign_out_user(request: HttpRequest, username: str) -> HttpResponse:
    """End all sessions of somebody. Tokens go on."""
    return json({"ended": people.end_sessions(username, who(request))})


@router.get("/invitations", auth=Allowed("users.see"), **described({200: shapes.Invitations}))
def list_invitations(request: HttpRequest) -> HttpResponse:
    """Those that can still be used."""
    return json({"invitations": [telling.invitation(one) for one in invitations.open_ones()]})


@router.post(
    "/invitations",
    auth=Allowed("users.change"),
    **described(
        {201: shapes.MadeInvitation},
        errors.ConfigurationRefused,
        errors.ConfirmationNeeded,
        body=requests.NewInvitation,
    ),
)
def create_invitation(request: HttpRequest) -> HttpResponse:
    """A link by which somebody makes their own account, once, within 3 days."""
    wanted = taken(request, requests.NewInvitation)
    token = invitations.make(wanted.role, who(request), wanted.name)
    told = {**telling.invitation(invitations.of(token)), "link": invitations.link(request, token)}
    return json(told, status=201)


@router.delete("/invitations/{number}", auth=Allowed("users.revoke"), **described({204: None}, errors.SessionGone))
def delete_invitation(request: HttpRequest, number: Number) -> HttpResponse:
    """Take it back: its link opens nothing."""
    invitations.take_back(number, who(request))
    return nothing()
