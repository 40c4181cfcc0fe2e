"""Each reply, to the byte."""

import re
import time

import pytest

from services.servers.replies import replier
from services.servers.spec import Reply


@pytest.mark.parametrize(
    ("reply", "data", "answer"),
    [
        (Reply("echo"), b"abc", b"abc"),
        (Reply("echo"), b"", b""),
        (Reply("upper"), b"Hello,I am client!", b"HELLO,I AM CLIENT!"),
        (Reply("upper"), "straße é".encode(), "STRAßE é".encode()),
        (Reply("upper"), b"\xff\x00a", b"\xff\x00A"),
        (Reply("fixed", "over"), b"anything", b"over"),
        (Reply("fixed", r"\x02OK\r\n"), b"", b"\x02OK\r\n"),
        (Reply("suffix", "from server"), b"hi", b"hifrom server"),
        (Reply("none"), b"abc", None),
    ],
)
def test_answers_to_the_byte(reply, data, answer):
    assert replier(reply)(data) == answer


def test_a_timestamp_is_ctime_in_brackets_and_the_bytes_as_they_came():
    before = time.ctime()
    answer = replier(Reply("timestamp"))("Python编程".encode()).decode()
    assert answer in (f"[{before}] Python编程", f"[{time.ctime()}] Python编程")
    assert re.fullmatch(r"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] Python编程", answer)
