"""What becomes of accounts that are there already."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import connection

from sockpanel.accounts.models import Token, User


def last_step(migration: str) -> Any:
    """The function that it runs at its end."""
    return import_module(f"sockpanel.accounts.migrations.{migration}").Migration.operations[-1].code


def test_a_token_of_before_there_were_scopes_may_what_its_person_may_now(ada: User, otto: User, vera: User):
    for user in (ada, otto, vera):
        Token.issue(user)
    Token.objects.update(scope="admin")  # what the new column says by itself
    last_step("0002_token_scope")(apps, SimpleNamespace(connection=connection))
    scopes = dict(Token.objects.values_list("user__username", "scope"))
    assert scopes == {"ada": "admin", "otto": "operator", "vera": "viewer"}
