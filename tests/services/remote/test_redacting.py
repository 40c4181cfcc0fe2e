"""What a command wrote opens nothing of the panel any more, and is shown and kept without that."""

from unittest.mock import Mock

import pytest
from django.db import OperationalError

from services import exposure
from services.models import Command
from services.remote import runner
from services.remote.redacting import Redacting
from services.servers.report import Exposed
from tests.services.servers.secrets_of import KEY, NAME, REQUEST, STORED, TOKEN, TOKEN_FOUND, leaks

OUT, ERR = 1, 2


class Ending:
    """Whoever ends what comes, or cannot."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[Exposed], str]] = []
        self.is_away = False

    def end(self, exposed: list[Exposed], at: str, server: object) -> list[str]:
        if self.is_away:
            raise OperationalError("away")
        self.calls.append((exposed, at))
        return []


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    found = Ending()
    monkeypatch.setattr(exposure, "end", found.end)
    return found


@pytest.fixture
def redacting() -> Redacting:
    """Of a command of otto's, on a server of somebody else."""
    return Redacting(Command(pk=7, user="otto", host="192.0.2.7"))


@pytest.mark.parametrize("size", [1, 2, 7, 50, 10_000])
def test_no_key_is_in_what_goes_on_however_it_was_cut(redacting: Redacting, size: int) -> None:
    pieces = [REQUEST[at : at + size] for at in range(0, len(REQUEST), size)]
    assert leaks(b"".join(redacting.feed(OUT, piece) for piece in pieces)) == []


def test_the_rest_stays_as_it_was(redacting: Redacting) -> None:
    assert redacting.feed(OUT, REQUEST) == STORED
    assert redacting.feed(ERR, bytes(range(256)) + b"sp_lines") == bytes(range(256)) + b"sp_lines"


def test_stdout_and_stderr_are_two_streams(redacting: Redacting) -> None:
    begun = redacting.feed(OUT, NAME + b"=" + KEY[:10])
    assert redacting.feed(ERR, b"warning") == b"warning"
    assert leaks(begun + redacting.feed(OUT, KEY[10:] + b" end")) == []


async def test_each_is_ended_once_as_written_by_whom_and_where(redacting: Redacting, ending: Ending) -> None:
    for _ in range(2):
        redacting.feed(OUT, TOKEN + b" ")
        await redacting.end_found()
    [(exposed, at)] = ending.calls
    assert [(one.kind, one.digest, one.peer, one.is_output) for one in exposed] == [(*TOKEN_FOUND, "otto", True)]
    assert at == "192.0.2.7 (command 7)"


async def test_what_cannot_be_ended_is_tried_again(redacting: Redacting, ending: Ending) -> None:
    ending.is_away = True
    redacting.feed(OUT, TOKEN)
    await redacting.end_found()
    ending.is_away = False
    await redacting.end_found()
    assert len(ending.calls) == 1


async def test_what_is_left_at_the_end_is_told(
    redacting: Redacting, ending: Ending, caplog: pytest.LogCaptureFixture
) -> None:
    ending.is_away = True
    redacting.feed(OUT, TOKEN)
    await redacting.close()
    assert "1 keys that command 7 of otto wrote were not ended" in caplog.text
    assert leaks(caplog.text.encode()) == []


async def test_a_command_whose_end_cannot_be_written_down_ends_what_it_wrote(
    ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may be back at the second question."""
    job = runner.Job(Command(pk=7, user="otto", host="192.0.2.7"), Mock())
    job._redacting.feed(OUT, TOKEN)

    def away(_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(job, "_complete", away)
    with pytest.raises(OperationalError):
        await job._end({})
    assert len(ending.calls) == 1
