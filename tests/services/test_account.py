"""The account: it balances when every message and byte is stored or dropped, and says what is open when not."""

from services import account, describe
from services.account import Loss
from services.models import Counters


def of(**numbers: object) -> account.Account:
    return account.of(describe.count(Counters(**numbers)))


def test_a_new_server_owes_nothing():
    assert of().balances


def test_what_is_stored_and_what_was_dropped_make_up_what_came():
    told = of(
        received=10,
        stored=7,
        dropped={"backlog": 2, "kernel": 1},
        bytes_in=90,
        stored_bytes=70,
        dropped_bytes={"backlog": 20},
    )
    assert told.balances
    assert (told.incoming.dropped, told.incoming.dropped_bytes) == (3, 20)


def test_a_message_that_is_missing_is_open():
    told = of(received=10, stored=9, bytes_in=10, stored_bytes=10)
    assert not told.balances
    assert told.incoming.open == 1


def test_a_byte_that_is_missing_is_open():
    told = of(sent=1, sent_stored=1, bytes_out=10, sent_stored_bytes=9)
    assert not told.balances
    assert (told.outgoing.open, told.outgoing.open_bytes) == (0, 1)


def test_losses_are_told_with_their_meaning_the_greatest_first():
    [first, second] = of(received=3, dropped={"kernel": 1, "rate": 2}).incoming.losses
    assert first == Loss("rate", "its sender sent more than limits.messages_per_second", 2, 0)
    assert second.what == "the kernel's buffer was full"


def test_refused_connections_are_told_by_rule():
    assert of(refused={"source": 4}).refused == {"source": 4}
