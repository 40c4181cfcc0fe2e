"""The description says what is true."""

from typing import Any

import msgspec
import pytest

from services.describe import CONFIGURATION
from services.history import MessageOut
from services.servers.spec import TRANSPORTS
from sockpanel.api import record_schemas
from sockpanel.api.urls import api

SCHEMA: dict[str, Any] = api.get_openapi_schema()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
]


@pytest.mark.django_db
def test_it_is_there_for_whoever_may_read(viewer: Any) -> None:
    assert viewer.get("/openapi.json")["openapi"] == "3.1.0"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_route_says_how_it_can_fail(name: str, operation: dict[str, Any]) -> None:
    statuses = {int(status) for status in operation["responses"]}
    assert {401, 403, 422} < statuses  # 422: a parameter that nobody knows
    assert any(status < 300 for status in statuses)
    for status, response in operation["responses"].items():
        kind = "application/problem+json" if int(status) >= 400 else "application/json"
        assert set(response.get("content", {kind: None})) == {kind}
    assert ("requestBody" in operation) == (413 in statuses) == (400 in statuses)
    assert ("{name}" in name) == ("SP-2103" in str(operation["responses"].get(404)))


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_route_says_whom_it_is_for_and_whether_it_asks_for_the_password(
    name: str, operation: dict[str, Any]
) -> None:
    deed = api.deeds()[operation["operationId"]]
    assert operation["x-role"] == deed.role
    if deed.confirm:
        assert "SP-1011" in operation["responses"][403]["description"]


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_route_has_a_description_and_a_name_of_its_own(name: str, operation: dict[str, Any]) -> None:
    assert operation["description"]
    assert sum(other["operationId"] == operation["operationId"] for _, other in OPERATIONS) == 1


def test_every_reference_leads_somewhere() -> None:
    text = msgspec.json.encode(SCHEMA).decode()
    known = SCHEMA["components"]["schemas"]
    references = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= set(known)


def test_a_server_is_described_with_every_field_of_its_configuration() -> None:
    fields = SCHEMA["components"]["schemas"]["Server"]["properties"]
    assert set(CONFIGURATION) < set(fields)
    assert set(SCHEMA["components"]["schemas"]["NewServer"]["properties"]) == {*CONFIGURATION, "preset"}
    assert set(fields["kind"]["enum"]) == set(TRANSPORTS)


def test_a_message_is_described_as_it_is_told() -> None:
    assert record_schemas.Message.__struct_fields__ == MessageOut.__struct_fields__
