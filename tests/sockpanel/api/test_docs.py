"""The page to try the API."""

import re
from typing import Any

import pytest
from django.test import Client

from sockpanel.api.urls import api

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture
def page(ada: Any) -> str:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client.get("/api/v1/docs").content.decode()


def test_every_route_has_a_form(page: str) -> None:
    forms = set(re.findall(r'<form [^>]*data-method="(\w+)" data-path="([^"]+)"', page))
    assert forms == {
        (method.upper(), path) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
    }


def test_nothing_comes_from_elsewhere(page: str) -> None:
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert re.findall(r"<script(?![^>]*(?:src=|importmap))", page) == []
