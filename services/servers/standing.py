"""What a datagram server knows of one peer, as far as answers go. It decides nothing."""

from services.servers.loops import BUSY_CLIENT, SUSPECT, Conversation


class Standing:
    """Made when the peer is first to be answered."""

    __slots__ = ("conversation", "host", "is_near", "is_server", "never")

    def __init__(self, host: str, is_near: bool, is_server: bool) -> None:
        self.host = host
        self.is_near = is_near  # nobody out there can be flooded through it
        self.is_server = is_server  # it sends from a port that no system gives to a client
        self.never = ""  # why it is never answered
        self.conversation = Conversation(SUSPECT if is_server or not is_near else BUSY_CLIENT)
