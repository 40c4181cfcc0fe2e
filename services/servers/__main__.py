"""`python -m services.servers`: one worker, started by a supervisor with a `report.Start` on its stdin."""

import sys

# msgspec takes from it what the standard library has as well, and it costs every worker 30 ms and 5 MB.
sys.modules["typing_extensions"] = None  # type: ignore[assignment]

from services.servers import worker  # noqa: E402 - after the line that it must not overtake

sys.exit(worker.main())
