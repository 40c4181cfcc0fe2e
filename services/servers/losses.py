"""What was not kept, by reason: messages and bytes. It tells nobody."""


class Loss:
    """In one direction."""

    def __init__(self) -> None:
        self.messages: dict[str, int] = {}
        self.bytes: dict[str, int] = {}

    def add(self, reason: str, messages: int, size: int) -> None:
        self.messages[reason] = self.messages.get(reason, 0) + messages
        if size:
            self.bytes[reason] = self.bytes.get(reason, 0) + size


class Losses:
    """Since the last batch."""

    def __init__(self) -> None:
        self.dropped = Loss()
        self.sent_dropped = Loss()
        self.refused: dict[str, int] = {}  # rule -> connections that were not let in

    def __bool__(self) -> bool:
        return bool(self.dropped.messages or self.sent_dropped.messages or self.refused)
