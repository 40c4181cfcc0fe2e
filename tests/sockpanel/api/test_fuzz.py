"""Schemathesis makes requests from the description, right and wrong ones; an admin, and then others, send them to the real panel.

No answer may be a 5xx, have a status or a shape that the description does not name, or take long. The routes that reach beyond
the panel's own servers are kept on the loopback: `/client` is left out, and only servers that these tests made are started.
"""

import json
from collections import Counter
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

from sockpanel.accounts.permissions import includes
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
EXAMPLES = 6  # requests to each route
EXAMPLES_BELOW = 2  # the same, of each role below the admin's
REFUSED = (
    400,
    403,
    404,
    405,
    413,
)  # the address, or the bytes themselves, may be wrong before anybody asks whose they are
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


@pytest.fixture(scope="session")
def below(panel: Panel) -> dict[str, str]:
    """Tokens of those who may less: an operator's, and one of the admin's with the scope of a viewer."""
    done = panel.manage("shell", "-c", MAKE)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {line[1]: line[2] for line in lines if line[:1] == ["token"]}


MAKE = """
from sockpanel.accounts.models import Token, User
otto = User.objects.create(username="fuzzing", role="operator")
print("token operator", Token.issue(otto))
print("token viewer", Token.issue(User.objects.get(username="ada"), scope="viewer"))
"""


@pytest.fixture(scope="session")
def asked() -> Counter[str]:
    """How often each route was asked for."""
    return Counter()


def tame(case: Any) -> None:
    """On servers of ours, where it has a server in it."""
    started = case.operation.path.endswith(("/start", "/stop", "/restart", "/send"))
    if case.path_parameters.get("name") and (started or len(case.path_parameters["name"]) % 2):
        case.path_parameters["name"] = "still" if started else "fuzzed"


@DESCRIPTION.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_gets_an_answer_that_is_not_described_and_nobody_more_than_the_role(
    case: Any, panel: Panel, headers: dict[str, str], below: dict[str, str], asked: Counter[str]
) -> None:
    tame(case)
    asked[case.operation.label] += 1
    if asked[case.operation.label] <= EXAMPLES_BELOW:
        needed = next(deed_of(case.operation))
        for role, token in below.items():
            status = answered(case, panel, f"Bearer {token}")
            assert includes(role, needed) or status in REFUSED, (role, status)
    answered(case, panel, headers["Authorization"])


def answered(case: Any, panel: Panel, authorization: str) -> int:
    sent = {"Authorization": authorization}
    answer = case.call_and_validate(base_url=panel.base_url, headers=sent, checks=CHECKS, timeout=20)
    return int(answer.status_code)


def deed_of(operation: Any) -> Iterator[str]:
    """What the table of permissions calls this route."""
    for _, router in api._routers:
        for path, view in router.path_operations.items():
            for one in view.operations:
                if f"/api/v1{path}" == operation.path and operation.method.upper() in one.methods:
                    yield from (guard.deed for guard in one.auth_callbacks)
