"""The REST API, /api/v1."""

from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from services.version import VERSION
from sockpanel.accounts.access import require
from sockpanel.api import (
    account,
    audit,
    certificates,
    client,
    commands,
    confirm,
    keys,
    node,
    records,
    servers,
    users,
    verbs,
)
from sockpanel.api.docs import docs
from sockpanel.api.failures import handle_failures, with_problems
from sockpanel.api.openapi import Api
from sockpanel.api.parameters import Parameters, known_only

api = Api(
    title="Sockpanel",
    version=VERSION,
    description=(
        "Configure, run and watch socket servers. Failures are problem+json (RFC 9457); docs/api.md tells the rest. "
        "HEAD works wherever GET does. Fields and query parameters that are not described are refused."
    ),
    urls_namespace="api",
    docs_url=None,
    docs_decorator=require_safe,
    parser=Parameters(),
)
handle_failures(api)
api.add_decorator(known_only)
for module in (node, servers, verbs, records, client, commands, keys, confirm, account, users, certificates, audit):
    api.add_router("", module.router)


UNGUARDED = ("openapi-json", "api-root")


def _patterns() -> list[URLPattern]:
    """ninja's own, each with problems; those that are no route of ours have no guard of their own."""
    found = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
    for pattern in found:
        view = require("node.see")(pattern.callback) if pattern.name in UNGUARDED else pattern.callback
        pattern.callback = with_problems(view)
    return found


urlpatterns = [path("docs", with_problems(docs(api)), name="api-docs"), path("", (_patterns(), *api.urls[1:]))]
