"""So many a second, and a burst of more."""

from services.servers.rate import Bucket, Buckets


def taken(bucket: Bucket, times: list[float]) -> int:
    return sum(bucket.take(now) for now in times)


def test_a_burst_fits_and_then_so_many_a_second():
    bucket = Bucket(rate=10, burst=20, now=5.0)
    assert taken(bucket, [5.0] * 100) == 20
    assert taken(bucket, [5.0 + i / 1024 for i in range(1, 1025)]) == 10
    assert taken(bucket, [1000.0] * 100) == 20


def test_what_does_not_fit_costs_nothing():
    bucket = Bucket(rate=1, burst=1, now=0.0)
    assert taken(bucket, [0.0, 0.1, 0.2, 0.9]) == 1
    assert bucket.take(1.0)


def test_it_tells_whether_one_more_fits_and_takes_nothing():
    bucket = Bucket(rate=4, burst=1, now=0.0)
    assert bucket.fits(0.0)
    assert bucket.take(0.0)
    assert not bucket.fits(0.249)
    assert bucket.fits(0.25)
    assert bucket.take(0.25)


def test_a_rate_below_one_still_lets_one_through():
    bucket = Bucket(rate=0.1, burst=0.2, now=0.0)
    assert taken(bucket, [0.0, 9.9, 10.0]) == 2


def test_each_source_has_its_own_and_only_so_many_are_known():
    buckets = Buckets(rate=1, burst=1, most=2)
    assert buckets.of("a", 0.0).take(0.0)
    assert buckets.of("b", 0.0).take(0.0)
    assert not buckets.of("a", 0.0).take(0.0)
    buckets.of("c", 0.0)  # b was heard longest ago
    assert len(buckets) == 2
    assert not buckets.of("a", 0.0).take(0.0)
    assert buckets.of("b", 0.0).take(0.0)
