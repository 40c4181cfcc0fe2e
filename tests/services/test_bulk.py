"""However many rows come, each is stored once and as it was; around the number that shares a statement too."""

import pytest

from services import bulk
from services.models import MESSAGES, Message
from services.servers.report import MessageRow

pytestmark = pytest.mark.django_db(databases=[MESSAGES])

SERVER, RUN, FIRST = 7, 3, 12


def row(number: int, data: bytes = b"x") -> MessageRow:
    return (
        1_750_000_000_000_000 + number,
        number % 5,
        f"127.0.0.1:{5000 + number}",
        number % 2,
        data,
        len(data) + 1,
        "ada" * (number % 2),
    )


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 1049])
def test_every_row_is_stored_once_and_whole(number: int):
    rows = [row(one, bytes([one % 256]) * (one % 7)) for one in range(number)]
    bulk.insert_messages(SERVER, RUN, FIRST, rows)
    stored = Message.objects.order_by("seq").values_list(*bulk.COLUMNS.split(", "))
    found = [tuple(bytes(value) if column == 7 else value for column, value in enumerate(one)) for one in stored]
    assert found == [(SERVER, seq, at, RUN, *rest) for seq, (at, *rest) in enumerate(rows, FIRST)]


@pytest.mark.parametrize("where", [0, 25, 49, 50, 59])
@pytest.mark.parametrize("bad", [2**70, "\ud800"])
def test_a_value_that_no_column_takes_is_refused(where: int, bad: int | str):
    rows = [row(number) for number in range(60)]
    field = 0 if isinstance(bad, int) else 2
    rows[where] = tuple(bad if column == field else value for column, value in enumerate(rows[where]))  # type: ignore[assignment]
    with pytest.raises((ValueError, OverflowError)):
        bulk.insert_messages(SERVER, RUN, FIRST, rows)
