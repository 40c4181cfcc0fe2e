"""The API's description (OpenAPI 3.1): each route says what it takes and gives and how it can fail; the rest is added here.

@router.post("/servers", auth=Allowed("servers.create"), **described({201: Server}, NameTaken, body=NewServer))
"""

import inspect
from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec
from ninja import NinjaAPI
from ninja.operation import Operation

from services import errors
from services.servers.commands.options import CommandOptions
from services.servers.spec import BroadcastSenderOptions, NoOptions, TimeOptions
from sockpanel.accounts.permissions import DEEDS, Deed
from sockpanel.api import audit_schemas, people_schemas, record_schemas, remote_schemas, requests, schemas, tls_schemas
from sockpanel.api.access import SAFE
from sockpanel.problems import status_of

Failure = type[errors.SockpanelError]
REF = "#/components/schemas/{name}"
FAILURES = "x-failures"
# RequestRefused: a parameter that there is not, at the least
ALWAYS: tuple[Failure, ...] = (
    errors.SignInNeeded,
    errors.NotAllowed,
    errors.StoreBusy,
    errors.StoreFull,
    errors.RequestRefused,
)
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "made by `manage.py token create USER`"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sp_*",
        "description": "of the pages; writes need X-CSRFToken too",
    },
}


def described(given: dict[int, type | None], *failures: Failure, body: type | None = None) -> dict[str, Any]:
    """Keyword arguments for a route: status -> what is given, the failures of its own, what it takes."""
    extra: dict[str, Any] = {FAILURES: failures, "responses": {status: _given(kind) for status, kind in given.items()}}
    if body:
        content = {"schema": _ref(body), "example": requests.EXAMPLES[body]}
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
        extra[FAILURES] += (errors.BodyMalformed, errors.BodyTooLong)
    return {"response": dict.fromkeys(given), "openapi_extra": extra}


def _given(kind: type | None) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": _ref(kind)}}} if kind else {}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}


class Api(NinjaAPI):
    """ninja, with a description that tells the truth about failures."""

    @cached_property
    def finished(self) -> dict[str, Any]:
        """The description, made at first use."""
        schema: dict[str, Any] = super().get_openapi_schema()
        deeds = self.deeds()
        for path in schema["paths"].values():
            for method, operation in path.items():
                _finish(method, operation, deeds[operation["operationId"]])
        components = msgspec.json.schema_components(_shapes(), ref_template=REF)[1]
        schema["components"] = {"schemas": components, "securitySchemes": SECURITY}
        schema["security"] = [{name: []} for name in SECURITY]
        return schema

    def deeds(self) -> dict[str, Deed]:
        """The id of each operation -> its row in the table of permissions."""
        views = [view for _, router in self._routers for view in router.path_operations.values()]
        operations = [operation for view in views for operation in view.operations]
        guards = [(operation, guard) for operation in operations for guard in operation.auth_callbacks]
        return {self.get_openapi_operation_id(operation): DEEDS[guard.deed] for operation, guard in guards}  # type: ignore[attr-defined]

    def get_openapi_schema(self, **_: Any) -> Any:
        return self.finished

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


def _shapes() -> Iterable[type]:
    modules = (schemas, audit_schemas, people_schemas, record_schemas, remote_schemas, requests, tls_schemas)
    named = [each for module in modules for each in vars(module).values()]
    own = [kind for kind in named if inspect.isclass(kind) and issubclass(kind, msgspec.Struct)]
    return {*own, NoOptions, TimeOptions, BroadcastSenderOptions, CommandOptions}


def _finish(method: str, operation: dict[str, Any], deed: Deed) -> None:
    operation["x-role"] = str(deed.role)
    failures = [*ALWAYS, *operation.pop(FAILURES, ()), *([errors.ConfirmationNeeded] if deed.confirm else ())]
    if method.upper() not in SAFE:
        failures.append(errors.CsrfRefused)
    for status in sorted({status_of(failure("")) for failure in failures}):
        operation["responses"][status] = _problem(status, failures)
    for parameter in operation["parameters"]:
        parameter["schema"] = _plain(parameter["schema"])


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: one that is left out has no value, not even null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    found = choices[0] if len(choices) == 1 else schema
    return {key: value for key, value in found.items() if key != "title"}


def _problem(status: int, failures: Iterable[Failure]) -> dict[str, Any]:
    said = sorted({f"{failure.code}: {_sentence(failure)}" for failure in failures if status_of(failure("")) == status})
    return {
        "description": f"{HTTPStatus(status).phrase}. " + " ".join(said),
        "content": {"application/problem+json": {"schema": _ref(schemas.Problem)}},
    }


def _sentence(failure: Failure) -> str:
    return (inspect.getdoc(failure) or "").partition("\n")[0]
