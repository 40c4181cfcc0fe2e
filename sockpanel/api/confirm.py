"""The password again, for what needs it: sent by the dialog of the pages."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors
from sockpanel.accounts import confirming
from sockpanel.accounts.bearer import token_of
from sockpanel.api import requests
from sockpanel.api.access import Allowed
from sockpanel.api.body import nothing, words
from sockpanel.api.openapi import described

router = Router(tags=["account"])


@router.post(
    "/confirm",
    auth=Allowed("account.see"),
    **described({204: None}, errors.PasswordWrong, errors.TooManyAttempts, body=requests.Confirmation),
)
def confirm(request: HttpRequest) -> HttpResponse:
    """Give the password of the person who is signed in: for 5 minutes it is not asked for again."""
    if token_of(request.headers.get("Authorization", "")) is not None:
        raise errors.RequestRefused("A token is never asked for a password: send the request itself.")
    sent = words(request)
    password = sent.pop("password", None)
    if sent or not isinstance(password, str):
        raise errors.RequestRefused("Send the password alone, as text.", field="password")
    confirming.confirm(request, password)
    return nothing()
