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


async def test_nothing_to_print_is_not_the_end(pipe: Pipe) -> None:
    reader, writer = pipe
    printer = Printer(asyncio.Event(), writer)
    printer.raw(b"")
    await eventually_async(lambda: not printer._waiting)
    printer.line("after an empty datagram")
    printer.close()
    assert reader.readline() == b"after an empty datagram\n"


async def paused(printer: Printer) -> None:
    """More than a pipe holds has gone to the printer's thread, and nobody reads it."""
    printer.raw(b"x" * 1_000_000)
    await eventually_async(lambda: not printer._waiting)


async def test_a_reader_that_pauses_holds_up_nobody_and_is_told_what_it_missed(pipe: Pipe, monkeypatch: Any) -> None:
    reader, writer = pipe
    monkeypatch.setattr(module, "MOST_LINES", 10)
    printer = Printer(asyncio.Event(), writer)
    await paused(printer)
    for number in range(15):
        printer.line(str(number))
    async with asyncio.timeout(5):
        await asyncio.to_thread(reader.read, 1_000_000)
        assert await asyncio.to_thread(reader.read, 20) == b"".join(b"%d\n" % number for number in range(10))
        told = await asyncio.to_thread(reader.readline)
    assert told == b"... 5 lines not shown: they came faster than they could be printed\n"
    printer.close()


async def test_who_can_wait_loses_nothing(pipe: Pipe, monkeypatch: Any) -> None:
    reader, writer = pipe
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    printer = Printer(asyncio.Event(), writer)

    async def print_all() -> None:
        for number in range(300):
            await printer.room()
            printer.raw(b"%03d" % number * 1000)
        printer.close()
        writer.close()

    printing = asyncio.create_task(print_all(), name="printing")
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(reader.read) == b"".join(b"%03d" % number * 1000 for number in range(300))
        await printing


async def test_nobody_waits_for_room_after_the_end(pipe: Pipe, monkeypatch: Any) -> None:
    reader, writer = pipe
    monkeypatch.setattr(module, "MOST_LINES", 1)
    stop = asyncio.Event()
    printer = Printer(stop, writer)
    await paused(printer)
    printer.line("full")
    waiting = asyncio.create_task(printer.room(), name="waiting")
    stop.set()
    async with asyncio.timeout(5):
        await waiting
        await asyncio.to_thread(reader.read, 1_000_000)
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
