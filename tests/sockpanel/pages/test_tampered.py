"""The page Activity, a server's History and the API show an audit that somebody has edited, and say so."""

import re

import msgspec
import pytest
from django.db import connection
from django.test import Client

from services.models import AuditEntry, Server
from sockpanel.api.audit_schemas import Entries
from tests.services.audit import tampering

pytestmark = [
    pytest.mark.django_db(databases=["default", "messages"]),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite takes any type in any column"),
]
FLAG = "not as it was written"


@pytest.fixture
def edited(db: None) -> int:
    """How many entries were."""
    tampering.odd()
    return tampering.tamper()


def test_the_page_goes_through_all_of_it(admin: Client, edited: int) -> None:
    address, seen = "/activity/", []
    while address:
        answer = admin.get(address)
        assert answer.status_code == 200
        page = answer.content.decode()
        seen.append(page.count(FLAG))
        older = re.search(r'href="\?([^"]*before=[^"]*)"', page)
        address = f"/activity/?{older[1].replace('&amp;', '&')}" if older else ""
    assert (sum(seen), len(seen)) == (edited, 2)


@pytest.mark.parametrize("value", ["'x'", "x'ff'", "9e999"])
def test_a_page_full_of_entries_without_a_number_leads_on_to_the_others(admin: Client, value: str) -> None:
    for number in range(1, 111):
        tampering.record(number)
    tampering.sql(f"UPDATE services_auditentry SET number = {value} WHERE number = 110")  # noqa: S608 - the test's own words
    page = admin.get("/activity/").content.decode()
    [before] = re.findall(r"before=(\d+)", page)
    assert "the 1." in admin.get(f"/activity/?before={before}").content.decode()


def test_the_api_goes_through_all_of_it_in_the_shape_that_it_promises(admin: Client, edited: int) -> None:
    faults, before = 0, ""
    while True:
        answer = admin.get(f"/api/v1/audit?limit=100{before}")
        assert answer.status_code == 200
        found = msgspec.json.decode(answer.content)
        for one in found["entries"]:
            one["way"] = one["way"] if one["way"] in ("page", "api") else ""
        msgspec.convert(found, Entries, strict=False)
        faults += len([one for one in found["entries"] if one["fault"]])
        if not found["more"]:
            break
        before = f"&before={found['last']}"
    assert faults == edited


def test_a_servers_history_shows_them(admin: Client, echo: Server, edited: int) -> None:
    AuditEntry.objects.filter(verb="server.change").update(server_id=echo.pk)
    answer = admin.get("/servers/echo/history/")
    assert answer.status_code == 200
    assert FLAG in answer.content.decode()
