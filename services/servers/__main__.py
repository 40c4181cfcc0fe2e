"""`python -m services.servers`: a worker, given a `report.Start` on its stdin by a supervisor; with `nursery`, what forks them."""

import sys

# msgspec takes from it what the standard library has as well, and it costs every worker 30 ms and 5 MB.
sys.modules["typing_extensions"] = None  # type: ignore[assignment]

from services.servers import nursery, worker  # noqa: E402 - after the line that it must not overtake

sys.exit(nursery.main() if sys.argv[1:] == ["nursery"] else worker.main())
