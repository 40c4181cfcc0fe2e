"""Schemathesis makes requests from the description, right and wrong ones, and an admin sends them to the real panel.

No answer may be a 5xx, have a status or a shape that the description does not name, or take long. The routes that reach beyond
the panel's own servers are kept on the loopback: `/client` is left out, and only servers that these tests made are started.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from sockpanel.api.urls import api
from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
EXAMPLES = 8  # requests to each route
DESCRIPTION = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema()))).exclude(
    path_regex="/client$"
)


@pytest.fixture
def headers(panel: Panel) -> Iterator[dict[str, str]]:
    """The admin's; servers named fuzzed (never started) and still (started and stopped) are there meanwhile."""
    headers = {"Authorization": f"Bearer {panel.token}", "Content-Type": "application/json"}
    visitor = Visitor(panel.host, panel.port)
    for name in ("fuzzed", "still"):
        body = {"preset": "echo", "name": name, "port": free_port()}
        visitor.request("POST", "/api/v1/servers", json.dumps(body).encode(), headers)
    yield headers
    for server in json.loads(visitor.request("GET", "/api/v1/servers", headers=headers).body)["servers"]:
        visitor.request("DELETE", f"/api/v1/servers/{server['name']}", headers=headers)


@DESCRIPTION.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_gets_an_answer_that_is_not_described(case: Any, panel: Panel, headers: dict[str, str]) -> None:
    started = case.operation.path.endswith(("/start", "/stop", "/restart", "/send"))
    if case.path_parameters.get("name") and (started or len(case.path_parameters["name"]) % 2):
        case.path_parameters["name"] = "still" if started else "fuzzed"
    case.call_and_validate(
        base_url=panel.base_url,
        headers={"Authorization": headers["Authorization"]},
        checks=CHECKS,
        timeout=20,
    )
