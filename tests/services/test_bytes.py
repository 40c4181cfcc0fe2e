"""Bytes stay bytes: whatever was recorded is read back as it came, and found by any part of it."""

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services import history
from services.servers.report import IN, OUT
from tests.hostile import corpus
from tests.services.recording import batch, recording

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

AWKWARD = (
    b"",
    b"\0",
    bytes(range(256)),
    b"\xef\xbb\xbfBOM",
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xc0\xaf\xe0\x80\xaf",
    b"\r\n\r\n",
    b"\\x00\\\\",
    b"\xff" * 65_536,
)
SERVERS = count(1000)
MANY = st.lists(st.one_of(st.binary(max_size=300), st.sampled_from(AWKWARD)), min_size=1, max_size=20)


def recorded(server: int, messages: list[bytes], direction: int = IN) -> history.Page:
    async def record() -> None:
        async with recording() as it:
            await it.store(server, batch(1, *messages, direction=direction))

    asyncio.run(record())
    return history.messages(server, history.Query(limit=1000))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_come_back_as_they_came(data: st.DataObject) -> None:
    messages = data.draw(MANY, label="messages")
    found = recorded(next(SERVERS), messages, data.draw(st.sampled_from([IN, OUT]), label="direction")).messages[
        -len(messages) :
    ]
    assert [(one.data, one.size, one.truncated) for one in found] == [(one, len(one), False) for one in messages]


def test_a_mebibyte_comes_back_as_it_came() -> None:
    whole = bytes(range(256)) * 4096
    assert recorded(1, [whole]).messages[0].data == whole


def test_every_hostile_one_comes_back_and_is_found_by_what_it_holds() -> None:
    messages = corpus()
    assert [one.data for one in recorded(2, messages).messages] == messages
    for number, data in enumerate(messages[::10]):
        found = history.messages(2, history.Query(contains=(data[:1024],), limit=1000)).messages
        assert number * 10 + 1 in [one.seq for one in found]
