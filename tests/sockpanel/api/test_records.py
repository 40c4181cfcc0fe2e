"""What was recorded, by keyset pages."""

from collections.abc import Callable
from typing import Any

import pytest

from services.models import Connection, Incident, Message, Run, Server, StateChange
from sockpanel.api import records

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]

AT = 1_763_633_472_000_345  # 2025-11-20T10:11:12.000345Z


@pytest.fixture
def talk(echo: Server) -> Server:
    """A server with ten messages, one a second: odd numbers came in, even ones went out, by connections 1 and 2 in turn."""
    Message.objects.bulk_create(
        Message(
            server_id=echo.pk,
            seq=seq,
            at=AT + seq * 1_000_000,
            run=1,
            connection=1 + seq % 2,
            peer="127.0.0.1:5000",
            direction=(seq + 1) % 2,
            data=b"%d\xff\r\n" % seq,
            size=100 if seq == 10 else len(b"%d\xff\r\n" % seq),
            sent_by="otto" if seq == 2 else "",
        )
        for seq in range(1, 11)
    )
    return echo


def seqs(caller: Any, query: str = "") -> list[int]:
    return [message["seq"] for message in caller.get(f"/servers/echo/messages{query}")["messages"]]


def test_a_message_tells_everything(viewer: Any, talk: Server) -> None:
    messages = viewer.get("/servers/echo/messages")["messages"]
    assert messages[1] == {
        "seq": 2,
        "at": "2025-11-20T10:11:14.000345Z",
        "connection": 1,
        "peer": "127.0.0.1:5000",
        "direction": "out",
        "size": 4,
        "truncated": False,
        "sent_by": "otto",
        "data": "Mv8NCg==",
    }
    assert (messages[9]["truncated"], messages[9]["sent_by"]) == (True, None)


@pytest.mark.parametrize(
    ("query", "first", "last", "more"),
    [
        ("", 1, 10, False),
        ("?limit=4", 7, 10, True),
        ("?after=3&limit=4", 4, 7, True),
        ("?after=6&limit=4", 7, 10, False),
        ("?before=5&limit=4", 1, 4, False),
        ("?before=6&limit=4", 2, 5, True),
        ("?after=2&before=9&limit=4", 5, 8, True),
        ("?after=10", None, None, False),
        ("?after=&before=&limit=3&contains=", 8, 10, True),
    ],
)
def test_pages_by_number(
    viewer: Any, talk: Server, query: str, first: int | None, last: int | None, more: bool
) -> None:
    page = viewer.get(f"/servers/echo/messages{query}")
    assert (page["first"], page["last"], page["more"]) == (first, last, more)
    assert [m["seq"] for m in page["messages"]] == ([] if first is None else list(range(first, (last or 0) + 1)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("direction=in&connection=2", [1, 3, 5, 7, 9]),
        ("direction=out&connection=2", []),
        ("contains=1", [1, 10]),
        ("hex=31%20ff", [1]),
        ("contains=10&hex=0d0a", [10]),
        ("since=2025-11-20T10:11:20.000345Z", [8, 9, 10]),
        ("since=2025-11-20T10:11:20.000346Z", [9, 10]),
        ("until=2025-11-20T11:11:14.000345%2B01:00", [1, 2]),
        ("until=2025-11-20T11:11:14.000345+01:00", [1, 2]),
        ("until=2025-11-20T10:11:14.000345", [1, 2]),
    ],
)
def test_conditions_hold_together(viewer: Any, talk: Server, query: str, found: list[int]) -> None:
    assert seqs(viewer, f"?{query}") == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("before=9223372036854775808", "before"),
        ("direction=up", "direction"),
        ("since=yesterday", "since"),
        ("until=9999-12-31T23:59:59%2B99:00", "until"),
    ],
)
def test_a_parameter_that_makes_no_sense(viewer: Any, talk: Server, query: str, field: str, problem: Problem) -> None:
    assert problem(viewer.ask("GET", f"/servers/echo/messages?{query}"), 422, "SP-6001")["field"] == field


def test_hex_that_makes_no_sense(viewer: Any, talk: Server, problem: Problem) -> None:
    assert problem(viewer.ask("GET", "/servers/echo/messages?hex=0"), 422, "SP-3003")["field"] == "hex"


@pytest.fixture
def past(echo: Server) -> Server:
    """A server with five connections, runs, state changes and incidents; connection 2 is open."""
    for number in range(1, 6):
        Connection.objects.create(
            server_id=echo.pk,
            number=number,
            run=1,
            peer=f"127.0.0.1:{number}",
            opened_at=AT,
            last_at=AT,
            closed_at=None if number == 2 else AT + 1,
            why="closed by the peer",
        )
        Run.objects.create(
            server_id=echo.pk, number=number, pid=7, process_start=1, started_at=AT, ended_at=AT, exit_code=number
        )
        StateChange.objects.create(server_id=echo.pk, at=AT, old="STARTING", new="RUNNING", who="ada")
        Incident.objects.create(
            server_id=echo.pk, at=AT, rule="source", source="10.1.2.3", what="refused", count=number
        )
    return echo


@pytest.mark.parametrize(
    ("word", "key"), [("connections", "number"), ("runs", "number"), ("changes", "id"), ("incidents", "id")]
)
def test_the_newest_come_first_and_last_leads_on(viewer: Any, past: Server, word: str, key: str) -> None:
    whole = [row[key] for row in viewer.get(f"/servers/echo/{word}")[word]]
    assert (len(whole), whole) == (5, sorted(whole, reverse=True))
    read, query = [], "?limit=2"
    for more in (True, True, False):
        page = viewer.get(f"/servers/echo/{word}{query}")
        assert (page["more"], page["first"], page["last"]) == (more, page[word][0][key], page[word][-1][key])
        read += [row[key] for row in page[word]]
        query = f"?limit=2&before={page['last']}"
    assert read == whole


def test_open_connections_alone(viewer: Any, past: Server) -> None:
    found = viewer.get("/servers/echo/connections?open=true")["connections"]
    assert [(row["number"], row["closed_at"]) for row in found] == [(2, None)]


def test_a_change_tells_who_asked(viewer: Any, past: Server) -> None:
    change = viewer.get("/servers/echo/changes")["changes"][0]
    assert (change["from"], change["to"], change["who"]) == ("STARTING", "RUNNING", "ada")


def test_an_incident_tells_its_rule_its_source_and_how_often(viewer: Any, past: Server) -> None:
    incident = viewer.get("/servers/echo/incidents?limit=1")["incidents"][0]
    del incident["id"], incident["at"]
    assert incident == {"rule": "source", "source": "10.1.2.3", "what": "refused", "count": 5}


def test_a_server_without_a_past_has_empty_pages(viewer: Any, echo: Server) -> None:
    for word in ("messages", "connections", "runs", "changes", "incidents"):
        assert viewer.get(f"/servers/echo/{word}") == {word: [], "first": None, "last": None, "more": False}


def test_the_largest_number_is_a_number(viewer: Any, past: Server) -> None:
    assert viewer.get(f"/servers/echo/runs?before={records.MAX_NUMBER}")["first"] == 5
