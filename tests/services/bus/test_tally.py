"""Nothing is lost without being counted."""

import threading

from services.bus.tally import COUNTED, Tally


def test_all_that_is_lost_is_one_sum():
    tally = Tally()
    tally.add("lost_full", 2)
    tally.add("lost_gone", 3)
    tally.add("sent")
    assert tally.statistics() == dict.fromkeys(COUNTED, 0) | {"lost_full": 2, "lost_gone": 3, "sent": 1, "lost": 5}


def test_threads_count_together():
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.add("sent") for _ in range(2_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.statistics()["sent"] == 8_000


def test_a_full_channel_is_named_in_the_log(caplog):
    Tally().full("specific.x!y")
    assert "specific.x!y" in caplog.text
