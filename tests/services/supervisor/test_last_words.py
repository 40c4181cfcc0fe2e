"""The stderr of a worker: drained, capped, made harmless."""

import asyncio
import os
import time

import pytest

from services.supervisor.last_words import LINES, LastWords
from tests.services.servers.secrets_of import REQUEST, leaks


@pytest.fixture
async def pipe():
    ours, theirs = os.pipe()
    words = LastWords(ours, asyncio.get_running_loop())
    yield words, theirs
    os.close(ours)


def written(pipe, data):
    words, theirs = pipe
    os.write(theirs, data)
    os.close(theirs)
    words.close()
    return words.text()


async def test_the_last_fifty_lines_are_kept(pipe):
    text = written(pipe, b"".join(b"line %d\n" % number for number in range(200)))
    assert text.splitlines() == [f"line {number}" for number in range(200 - LINES, 200)]


async def test_an_unfinished_last_line_counts(pipe):
    assert written(pipe, b"one\ntwo") == "one\ntwo"


async def test_nothing_written_is_an_empty_text(pipe):
    assert written(pipe, b"\n"[:0]) == ""


async def test_hostile_bytes_are_made_visible(pipe):
    assert written(pipe, b"\x1b[31mred\xff\x00 \xe2\x80\xae ok") == r"\x1b[31mred\xff\0 \xe2\x80\xae ok"


async def test_a_long_line_loses_its_middle(pipe):
    text = written(pipe, b"begin" + b"x" * 50_000 + b"end")
    assert len(text) < 1100
    assert text.startswith("begin")
    assert text.endswith("end")


async def test_a_flood_blocks_nobody_and_only_its_end_is_kept(pipe):
    words, theirs = pipe

    def flood():
        longest, chunk = 0.0, b"y" * 65_535 + b"\n"
        for _ in range(500):
            before = time.monotonic()
            os.write(theirs, chunk)
            longest = max(longest, time.monotonic() - before)
        os.write(theirs, b"the end\n")
        os.close(theirs)
        return longest

    assert await asyncio.wait_for(asyncio.to_thread(flood), 30) < 1.0
    words.close()
    assert words.text().endswith("the end")
    assert len(words.text()) < 60_000


async def test_the_end_of_the_pipe_is_read_once(pipe):
    words, theirs = pipe
    os.close(theirs)
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.get_running_loop().remove_reader(words._descriptor) is False
    words.close()


async def test_no_key_is_among_them(pipe):
    assert leaks(written(pipe, REQUEST).encode()) == []
