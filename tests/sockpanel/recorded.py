"""Servers with one message each, as their recorder would have left them."""

from services.models import Connection, Counters, Execution, Message, Server

SECRET = b"cat /etc/lab-secret"


def make(name: str, kind: str) -> Server:
    """A server of this kind, to which SECRET was sent once."""
    server = Server.objects.create(name=name, kind=kind, transport="tcp", host="127.0.0.1", port=9000)
    words = {"server_id": server.pk, "run": 1, "at": 1, "connection": 1}
    Message.objects.create(seq=1, peer="127.0.0.1:5000", direction=0, data=SECRET, size=len(SECRET), **words)
    Counters.objects.create(server_id=server.pk, last_seq=1, last_connection=1, connections=1)
    Connection.objects.create(server_id=server.pk, number=1, run=1, peer="127.0.0.1:5000", opened_at=1, last_at=1)
    if kind == "command":
        Execution.objects.create(ask=1, key="lab", argv=["cat", "/etc/lab-secret"], source="127.0.0.1", **words)
    return server
