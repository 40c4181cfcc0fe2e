"""What a client can swear to: which messages it has sent, and which answers it has read, on disk before it counts on them.

Every send is a message of its own: a client that got no answer sends the same number again with the next attempt. So nothing may be
stored twice, and of a number that was answered, the answered attempt must be stored. It knows no socket and no database.

    ledger = Ledger(path, "tcp-1")
    send = ledger.next()               # Send("tcp-1", 1, 1); its bytes are send.data
    ledger.answered(send)
    ledger.sync()
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

PADDING = 300  # bytes a message may have besides its number


@dataclass(frozen=True, order=True)
class Send:
    """One message on its way, once."""

    client: str
    number: int
    attempt: int

    @property
    def data(self) -> bytes:
        """Its bytes: no two sends have the same, and a changed one shows."""
        head = f"{self.client} {self.number} {self.attempt} "
        return (head + _padding(self.number * 31 + self.attempt)).encode()

    @classmethod
    def read(cls, data: bytes) -> "Send | None":
        """The send with exactly these bytes; None when there is none."""
        words = data[:100].split(b" ")
        if len(words) < 3 or not (words[1].isdigit() and words[2].isdigit()):
            return None
        send = cls(words[0].decode(errors="replace"), int(words[1]), int(words[2]))
        return send if send.data == data else None


def _padding(salt: int) -> str:
    return "".join(chr(97 + (salt + place * place) % 26) for place in range(salt * 7919 % PADDING))


class Ledger(AbstractContextManager["Ledger"]):
    """One client's book: a line for each send and each answer, appended and never changed."""

    def __init__(self, path: Path, client: str) -> None:
        self.client = client
        self.sent: set[Send] = set()
        self.answers: set[Send] = set()
        self._last = 0
        self._file = path.open("xb")

    def next(self) -> Send:
        """The first attempt of the next number, noted as sent."""
        self._last += 1
        return self._noted(Send(self.client, self._last, 1))

    def again(self, send: Send) -> Send:
        """The next attempt of the same number, noted as sent."""
        return self._noted(Send(send.client, send.number, send.attempt + 1))

    def answered(self, send: Send) -> None:
        """Its answer was read. It counts once it is synced."""
        self.answers.add(send)
        self._file.write(b"answered %d %d\n" % (send.number, send.attempt))

    def sync(self) -> None:
        """On disk before anybody relies on it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def __exit__(self, *_: object) -> None:
        self.sync()
        self._file.close()

    def _noted(self, send: Send) -> Send:
        self.sent.add(send)
        self._file.write(b"sent %d %d\n" % (send.number, send.attempt))
        return send


def read(path: Path, client: str) -> tuple[set[Send], set[Send]]:
    """What stands in a ledger's file: sends and answers."""
    sent, answers = set[Send](), set[Send]()
    for word, send in _lines(path, client):
        (sent if word == b"sent" else answers).add(send)
    return sent, answers


def _lines(path: Path, client: str) -> Iterator[tuple[bytes, Send]]:
    for line in path.read_bytes().splitlines():
        word, number, attempt = line.split()
        yield word, Send(client, int(number), int(attempt))
