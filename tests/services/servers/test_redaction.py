"""Keys and tokens are found in bytes however these are cut, and nothing else is touched."""

import base64
import hashlib
import random
import string
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.servers import redaction
from services.servers.redaction import MARK, Scanner, clean, clean_text, may_begin, may_hold, new_token, search
from tests.services.servers.secrets_of import KEY, NAME, REQUEST, SESSION, STORED, TOKEN, TOKEN_FOUND, leaks

assert len(TOKEN) == 46


def fed(pieces: list[bytes]) -> bytes:
    scanner = Scanner()
    return b"".join(scanner.feed(piece) for piece in pieces)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place for place in places if 0 < place < len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def test_the_value_of_a_cookie_and_a_token_are_replaced():
    assert clean(REQUEST) == STORED
    assert clean_text(REQUEST.decode()) == STORED.decode()
    assert search(REQUEST) == (STORED, [SESSION, TOKEN_FOUND])


@pytest.mark.parametrize("name", [NAME, b"__Host-" + NAME])
@pytest.mark.parametrize("form", [b"%s=%s", b'%s="%s"', b"a=b;%s=%s;c=d", b"?x=%s%%3D%s", b"{%s=%s}", b"%s=%s; Secure"])
def test_a_cookie_is_found_wherever_it_stands(name, form):
    assert clean(form % (name, KEY)) == form % (name, MARK)
    assert leaks(clean((form % (name, KEY)).upper())) == []


def test_an_answer_in_capitals_holds_no_key_either():
    assert leaks(clean(REQUEST.upper())) == []
    assert clean(REQUEST.upper()).count(MARK) == 2


def test_what_is_glued_behind_a_token_stays():
    assert clean(TOKEN + b"from server") == b"sp_" + MARK + b"from server"


def test_a_token_that_begins_inside_of_another_is_taken_out_too():
    cleaned, found = search(b"sp_" + TOKEN)
    assert (leaks(cleaned), TOKEN_FOUND in found) == ([], True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        b"SELECT sp_name FROM sp_configure",
        b"resp_code=7; disp_x=1; sp_=; sp_1234567=short; sp_xyzwxyzw=none",
        b"sp_" + b"a" * 27 + b" is one short",
        bytes(range(256)) * 4,
    ],
)
def test_nothing_else_is_touched(data):
    assert clean(data) == data
    assert fed([data, b" "]) == data + b" "


def test_a_long_piece_of_base64_is_left_as_it_is():
    unchecked = b"sp_" + b"7" * 43
    blob = base64.urlsafe_b64encode(bytes(99)) + unchecked + base64.urlsafe_b64encode(bytes(99))
    assert clean(blob) == blob
    assert fed([blob, b" "]) == blob + b" "


@pytest.mark.parametrize("before", [b"id:device-000000000001-", b"another token", b"x" * 200])
@pytest.mark.parametrize("place", [0, 1, 20, 40, 45, 46])
def test_a_token_is_known_by_its_check_wherever_it_stands(before, place):
    token = new_token().encode()
    before = new_token().encode() if before == b"another token" else before
    assert token not in clean(before + token)
    scanner = Scanner()
    stored = scanner.feed(before + token[:place]) + scanner.feed(token[place:] + b" ")
    assert token not in stored
    assert [secret.digest for secret in scanner.found] == [hashlib.sha256(token).digest()] or place == len(token)


def test_tokens_one_behind_the_other_are_each_found():
    tokens = [new_token().encode() for _ in range(5)]
    cleaned, found = search(b"".join(tokens))
    assert [secret.digest for secret in found] == [hashlib.sha256(token).digest() for token in tokens]
    assert cleaned.count(MARK) == 1 or not any(token in cleaned for token in tokens)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_without_a_name_pass(data):
    if b"sp_" not in data.lower():
        assert clean(data) == data
        assert fed([data[:7], data[7:]]) == data


@settings(deadline=None)
@given(st.integers(0, len(REQUEST)))
def test_a_cut_at_any_byte_hides_nothing(place):
    """Of a token, sixteen characters may have been stored before it could be known for one."""
    stored = fed(cut(REQUEST, [place]))
    assert leaks(stored) == []
    assert stored.replace(MARK + MARK, MARK) == STORED or TOKEN[:4] in stored


@settings(deadline=None)
@given(st.lists(st.integers(0, len(REQUEST)), max_size=40), st.booleans())
@example(list(range(len(REQUEST))), False)
@example(list(range(len(REQUEST))), True)
def test_nor_do_many_cuts(places, in_capitals):
    scanner, found = Scanner(), set()
    stored = b""
    for piece in cut(REQUEST.upper() if in_capitals else REQUEST, places):
        stored += scanner.feed(piece)
        found |= set(scanner.found)
    assert leaks(stored) == []
    assert SESSION in found
    assert in_capitals or TOKEN_FOUND in found


@settings(deadline=None)
@given(st.binary(max_size=15), st.binary(max_size=40), st.lists(st.integers(0, 150), max_size=5))
def test_nor_does_what_stands_around(before, behind, places):
    data = before + TOKEN + behind + NAME + b"=" + KEY
    assert leaks(fed(cut(data, places))) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, len(REQUEST)), max_size=10))
def test_whoever_looks_only_where_something_may_begin_misses_nothing(places):
    """As connections do: without an underscore, and while nothing is open, no scanner is asked."""
    scanner, stored = None, b""
    for piece in cut(b"sp" + REQUEST[2:], [2, *places]):
        if redaction.UNDERSCORE in piece and may_hold(piece):
            scanner = scanner or Scanner()
        elif scanner is not None and scanner.is_idle:
            scanner = None
        stored += scanner.feed(piece) if scanner else piece
    assert leaks(stored) == []


@pytest.mark.parametrize(
    ("data", "may"),
    [
        (b"resp_code=7", False),
        (b"sp_name sp_deadbeef:x", False),
        (b"the end of resp", False),
        (b"resp_", True),
        (b"sp_0123abc", True),
        (b"sp_0123abcd=", True),
        (b"_0123abcd", True),
        (b"p_0123abcd", True),
        (TOKEN, True),
        (NAME + b"=x ", True),
    ],
)
def test_a_name_that_is_seen_to_be_none_is_no_cause(data, may):
    assert may_hold(data) is may
    assert may_begin(data) or not may


def test_the_end_of_a_line_ends_what_may_become_a_token():
    """A name at the end of a message is no half token where the stream says that the message ended."""
    name = b"EXEC sp_help_constraints_all"
    assert Scanner().feed(name, b"\n") == name
    assert Scanner().feed(name) == b"EXEC sp_" + MARK


def test_keys_are_told_by_their_hash():
    assert redaction.digest_of_key(KEY.decode()) == hashlib.sha256(KEY).digest()
    assert search(NAME + b"=too-short;")[1] == []


def test_a_flood_of_names_is_told_of_in_part_and_taken_out_whole():
    data = b"".join(b"%s=%032d;" % (NAME, number) for number in range(1000))
    scanner = Scanner()
    assert scanner.feed(data) == (NAME + b"=" + MARK + b";") * 1000
    assert len(scanner.found) == redaction.MOST


UNITS = [
    b"sp_",
    b"sp_1234567 ",
    b"sp_00000000=a ",
    b"sp_00000000=",
    b"sp_01234567=%s;" % KEY,
    b"sp_" + b"7" * 43,
    b"sp_" * 14 + b" ",
    b"sp_get_customer_orders_by_region ",
    b"sp_GetCustomerOrdersByRegionAndByMonthOf ",
    b"sp_aB3%s " % (b"c" * 33),
]


@pytest.mark.parametrize("unit", UNITS)
def test_the_worst_bytes_take_no_time_to_speak_of(unit):
    """A stranger sends them, and others wait meanwhile: 256 KiB take some milliseconds, where a second's worth of them fits."""
    data = (unit * (1 + 262_144 // len(unit)))[:262_144]
    for work in (clean, may_hold, Scanner().feed):
        took = []
        for _ in range(3):
            began = time.process_time()
            work(data)
            took.append(time.process_time() - began)
        assert min(took) < 0.05


@pytest.mark.parametrize("unit", [b"sp_", b"sp_00000000=a ", b"sp_" + b"7" * 43, b"sp_00000000="])
@pytest.mark.parametrize("between", [b"", b" ", b"sp_"])
@pytest.mark.parametrize("cut_at", [0, 1, 5, 20, 40])
def test_no_flood_hides_a_key(unit, between, cut_at):
    flood = unit * 3000 + between
    for secret in (NAME + b"=" + KEY, TOKEN if between == b" " else new_token().encode()):
        end = len(flood) + cut_at
        scanner = Scanner()
        whole = flood + secret
        stored = scanner.feed(whole[:end]) + scanner.feed(whole[end:] + b" ")
        assert secret.rpartition(b"=")[2][-17:] not in stored
        assert secret.rpartition(b"=")[2][-17:] not in clean(whole)
        assert may_hold(whole)


def test_after_a_flood_other_words_stay():
    flood = b"sp_00000000=a " * 3000
    assert clean(flood + b"SELECT resp_code FROM it").endswith(b"[redacted] SELECT resp_code FROM it")


@pytest.mark.parametrize("before", [b"", b"key ", b"device-000000000001-"])
@pytest.mark.parametrize("after", [b"", b"\n", b"' is no command"])
@pytest.mark.parametrize("kept", range(28, 43))
def test_of_a_token_that_was_cut_off_nobody_counts_the_rest(before: bytes, after: bytes, kept: int):
    """Its last seven characters can be counted from the others: with 36 of them it is known, and told of."""
    cleaned, found = search(before + TOKEN[: 3 + kept] + after)
    assert cleaned == before + b"sp_[redacted]" + after
    assert found == ([TOKEN_FOUND] if kept >= 36 else [])


@pytest.mark.parametrize("kept", range(28, 43))
def test_so_it_is_where_the_end_of_the_word_comes_later(kept: int):
    pieces = (b"key ", TOKEN[: 3 + kept], b"\n", b"more")
    assert b"".join(map(Scanner().feed, pieces)) == b"key sp_[redacted]\nmore"


NAMES = [
    b"EXEC sp_get_customer_orders_by_region @d",
    b"EXEC sp_GetCustomerOrdersByRegionAndMonth @d",
    b"DROP PROCEDURE dbo.sp_REPORT_2024_OF_ALL_ORDERS_BY_REGION;",
    b"cd /srv/sp_nightly_export_of_all_measurements",
    b"cat sp_nightly-export-2026-11-21-of-all-rows ",
    b"sp_" + b"of_exactly_thirty_six_characters_now" + b" ",
    b"sp_every_word_of_this_name_is_in_small_letters_and_it_goes_on ",
    b"id:device-000000000001-sp_get_customer_orders_by_region ",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_mere_long_name_stays(name: bytes):
    """SQL Server's procedures are called so."""
    assert clean(name) == name
    assert Scanner().feed(name, b"\n") == name
    assert search(name * 2) == (name * 2, [])


@pytest.mark.parametrize("kept", range(37, 44))
def test_a_token_that_looks_like_a_name_is_known_by_its_check(kept: int):
    """One of some thousands has neither a digit nor a hyphen."""
    begun = b"sp_abcdefghijklmnopqrstuvwxyz_abcdefghi"
    token = begun + base64.urlsafe_b64encode(hashlib.sha256(begun).digest())[:7]
    assert search(b"key " + token[: 3 + kept] + b" ") == (
        b"key sp_[redacted] ",
        [("token", hashlib.sha256(token).digest())],
    )


@pytest.mark.parametrize(("kept", "lacking"), [(28, 0.0051), (32, 0.0024), (36, 0.0011)])
def test_nearly_every_token_looks_like_chance_wherever_it_is_cut_off(kept: int, lacking: float):
    """Beside what is computed, for the docs say so: 28 characters of 64 without any of ten digits and the hyphen."""
    assert (53 / 64) ** kept == pytest.approx(lacking, rel=0.05)
    chance, letters = random.Random(7), string.ascii_letters + string.digits + "-_"
    begun = ["sp_" + "".join(chance.choices(letters, k=kept)) for _ in range(20_000)]
    stays = sum(clean(one.encode()) == one.encode() for one in begun)
    assert lacking / 2 < stays / 20_000 < lacking * 2


def test_a_token_that_goes_on_after_the_first_pieces_is_told_of():
    token, scanner = new_token().encode(), Scanner()
    found = []
    for at in range(0, len(token), 15):
        scanner.feed(token[at : at + 15])
        found += scanner.found
    assert {one.digest for one in found} == {hashlib.sha256(token).digest()}
