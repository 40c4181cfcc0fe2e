"""What is stored of a message with the panel's key, and of its answer."""

from services.servers import framing, replies
from services.servers.redaction import MARK, Secret
from services.servers.report import IN, OUT, MessageRow
from services.servers.spec import Framing, Reply
from services.servers.wariness import Wary
from tests.services.servers.secrets_of import KEY, NAME, REQUEST, SESSION, STORED, TOKEN_FOUND, leaks


class Record:
    """The rows that a turn notes, and what was exposed meanwhile."""

    def __init__(self, reply: str = "echo", keep: int = 1000, **framed: object) -> None:
        self.rows: list[MessageRow] = []
        self.found: list[Secret] = []
        self.wary = Wary(self.found.extend)
        self._reply = replies.replier(Reply(type=reply, text="!"))
        self._decoder = framing.decoder(Framing(**framed))
        self._keep = keep

    def take(self, data: bytes) -> None:
        self.wary.came(data)
        keep, note, note_answer = self.wary.recording(
            self._decoder, self._reply, self._keep, self.rows.append, self.rows.append
        )
        for frame in self._decoder.frames(data):
            note((1, 7, "peer", IN, frame[:keep], len(frame), ""))
            answer = self._reply(frame) or b""
            note_answer((1, 7, "peer", OUT, answer[:keep], len(answer), ""))

    def stored(self, way: int) -> list[bytes]:
        return [row[4] for row in self.rows if row[3] == way]


def test_a_message_and_its_echo_are_stored_without_keys_and_with_their_true_size():
    record = Record()
    record.take(REQUEST)
    assert record.stored(IN) == record.stored(OUT) == [STORED]
    assert {row[5] for row in record.rows} == {len(REQUEST)}
    assert set(record.found) == {SESSION, TOKEN_FOUND}


def test_an_answer_in_capitals_has_its_mark_in_small_letters():
    record = Record("upper")
    record.take(b"x " + NAME + b"=" + KEY)
    assert record.stored(OUT) == [b"X SP_0123ABCD=" + MARK]


def test_an_answer_that_puts_words_between_the_pieces_of_a_key_holds_none_of_them():
    record = Record("suffix")
    for at in range(0, len(REQUEST), 5):
        record.take(REQUEST[at : at + 5])
    assert leaks(b"".join(record.stored(OUT)).replace(b"!", b"")) == []
    assert leaks(b"".join(record.stored(IN))) == []


def test_what_is_kept_is_cut_after_the_key_was_taken_out():
    record = Record(keep=16)
    record.take(NAME + b"=" + KEY)
    assert record.stored(IN) == [(NAME + b"=" + MARK)[:16]]
    assert SESSION in record.found


def test_a_key_in_what_becomes_no_message_is_found():
    record = Record(type="length", size=4, max_bytes=2_000_000_000)
    record.take(REQUEST)
    assert (record.rows, SESSION in record.found) == ([], True)


def test_it_is_idle_once_nothing_more_can_come_of_a_key():
    record = Record(type="line")
    record.take(NAME + b"=" + KEY)
    assert not record.wary.is_idle
    record.take(b"\n")
    assert record.wary.is_idle
