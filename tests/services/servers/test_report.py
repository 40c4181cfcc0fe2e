"""What crosses the link: it comes back as it was, and anything else is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import WorkerBroken
from services.servers import framing, report

TOLD = [
    report.Ready(receive_buffer=8),
    report.Batch(
        number=3,
        messages=[(1, 7, "127.0.0.1:5000", report.IN, b"\xff\0", 2, ""), (2, 7, "p", report.OUT, b"", 0, "otto")],
        opened=[report.Opened(7, "127.0.0.1:5000", 1)],
        closed=[report.Closed(7, 2, "closed by the peer")],
        touched=[report.Touched(7, 2, 1, 2, 1, 0)],
        counted=report.Counted(received=3, dropped={"backlog": 2}),
        open_connections=1,
    ),
    report.Heartbeat(2),
    report.Done(5, error="No.", code="SP-2204"),
    report.Failed("No socket."),
]
ORDERS = [
    report.Stored(3),
    report.Send(1, b"\0", connection=7, sent_by="otto"),
    report.Send(2, b"", peer="[::1]:5"),
    report.Close(3, 7),
]


def payload(told: report.Told) -> bytes:
    [frame] = framing.decoder(report.FRAMING).feed(report.encode(told))
    return frame


@pytest.mark.parametrize("told", TOLD, ids=lambda told: type(told).__name__)
def test_what_a_worker_tells_comes_back(told):
    assert report.decode_from_worker(payload(told)) == told


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_what_a_worker_is_told_comes_back(order):
    assert report.decode_to_worker(payload(order)) == order


@pytest.mark.parametrize("told", ORDERS, ids=lambda told: type(told).__name__)
def test_a_worker_cannot_give_orders(told):
    with pytest.raises(WorkerBroken):
        report.decode_from_worker(payload(told))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_report_or_refused(data):
    with contextlib.suppress(WorkerBroken):
        report.decode_from_worker(data)
