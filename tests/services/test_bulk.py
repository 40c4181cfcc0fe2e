"""However many rows come, each is stored once and as it was; around the number that shares a statement too."""

import pytest

from services import bulk
from services.models import MESSAGES, Message

pytestmark = pytest.mark.django_db(databases=[MESSAGES])


def row(seq: int, data: bytes = b"x") -> bulk.MessageTuple:
    return (
        7,
        seq,
        1_750_000_000_000_000 + seq,
        3,
        seq % 5,
        f"127.0.0.1:{5000 + seq}",
        seq % 2,
        data,
        len(data) + 1,
        "ada" * (seq % 2),
    )


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 1049])
def test_every_row_is_stored_once_and_whole(number: int):
    rows = [row(seq, bytes([seq % 256]) * (seq % 7)) for seq in range(1, number + 1)]
    bulk.insert_messages(rows)
    stored = Message.objects.order_by("seq").values_list(*bulk.COLUMNS.split(", "))
    assert [tuple(bytes(value) if column == 7 else value for column, value in enumerate(one)) for one in stored] == rows


@pytest.mark.parametrize("where", [0, 25, 49, 50, 59])
@pytest.mark.parametrize("bad", [2**70, "\ud800"])
def test_a_value_that_no_column_takes_is_refused(where: int, bad: int | str):
    rows = [row(seq) for seq in range(1, 61)]
    field = 2 if isinstance(bad, int) else 5
    rows[where] = tuple(bad if column == field else value for column, value in enumerate(rows[where]))  # type: ignore[assignment]
    with pytest.raises((ValueError, OverflowError)):
        bulk.insert_messages(rows)
