"""Where one command of a session is: its client's number, and the frames that tell what becomes of it. It knows no connection."""

from collections.abc import Callable

from services.errors import SockpanelError
from services.servers.commands.job import Job
from services.servers.commands.running import Ended
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Exit


class Place:
    """The Customer of one Job."""

    job: Job

    def __init__(
        self, number: int, side: ServerSide, write: Callable[[bytes], None], over: Callable[[int], None]
    ) -> None:
        self._number = number
        self._side = side
        self._write = write
        self._over = over  # called with the number once it is free

    def began(self, job: Job) -> None:
        self._write(self._side.started(self._number))

    def wrote(self, job: Job, stream: int, data: bytes) -> None:
        self._write(self._side.output(self._number, stream, data))

    def ended(self, job: Job, ended: Ended) -> None:
        self._over(self._number)
        told = Exit(
            code=ended.code,
            signal=ended.signal,
            seconds=round(ended.seconds, 6),
            stdout=ended.stdout_bytes,
            stderr=ended.stderr_bytes,
            truncated=ended.truncated,
            why=ended.why,
        )
        self._write(self._side.exit(self._number, told))

    def failed(self, job: Job, error: SockpanelError) -> None:
        self._over(self._number)
        self._write(self._side.failure(self._number, error))
