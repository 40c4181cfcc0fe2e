"""Wall-clock time as whole microseconds since 1970 (UTC), and as people and scripts read it. Intervals use the monotonic clock."""

import time
from functools import lru_cache


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def rfc3339(at: int) -> str:
    """`2026-11-20T10:11:12.000345Z` (RFC 3339, six decimals)."""
    seconds, micros = divmod(at, 1_000_000)
    return f"{_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
