"""The printer keeps order, gives up nothing in silence, and holds up nobody."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

import pytest

from services.management import printer as module
from services.management.printer import Printer
from tests.waiting import eventually_async

Pipe = tuple[BinaryIO, TextIO]


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, TextIO]]:
    """A pipe: where the test reads, and where the printer prints."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w", encoding="ascii", buffering=1) as writer:
        yield reader, writer


async def test_lines_come_out_in_order(pipe: Pipe) -> None:
    reader, writer = pipe
    printer = Printer(asyncio.Event(), writer)
    for number in range(1000):
        printer.line(f"line {number}")
    printer.close()
    assert [reader.readline() for _ in range(1000)] == [b"line %d\n" % number for number in range(1000)]


async def test_a_letter_that_the_terminal_cannot_show_becomes_its_number(pipe: Pipe) -> None:
    reader, writer = pipe
    printer = Printer(asyncio.Event(), writer)
    printer.raw(b"")
    printer.line("编")
    printer.close()
    assert reader.readline() == b"\\u7f16\n"


async def test_a_reader_that_pauses_holds_up_nobody_and_is_told_what_it_missed(pipe: Pipe, monkeypatch: Any) -> None:
    reader, writer = pipe
    monkeypatch.setattr(module, "MOST", 10)
    printer = Printer(asyncio.Event(), writer)
    printer.raw(b"x" * 1_000_000)  # more than a pipe holds
    await eventually_async(lambda: not printer._waiting)
    for number in range(15):
        printer.line(str(number))
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(reader.read, 1_000_000 + 20) == b"x" * 1_000_000 + b"".join(
            b"%d\n" % n for n in range(10)
        )
        told = await asyncio.to_thread(reader.readline)
    assert told == b"... 5 lines not shown: they came faster than they could be printed\n"
    printer.close()


async def test_a_reader_that_leaves_ends_it(pipe: Pipe) -> None:
    reader, writer = pipe
    gone = asyncio.Event()
    printer = Printer(gone, writer)
    reader.close()
    printer.line("to nobody")
    async with asyncio.timeout(5):
        await gone.wait()
    printer.close()
