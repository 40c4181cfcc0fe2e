"""The kinds of servers, by kind and transport: the one table. A worker loads its own kind and no other."""

from importlib import import_module

from services.servers.server import Server

SERVERS: dict[tuple[str, str], str] = {
    ("tcp", "tcp"): "services.servers.tcp_server.TcpServer",
    ("tcp", "unix"): "services.servers.tcp_server.TcpServer",
    ("udp", "udp"): "services.servers.udp_server.UdpServer",
    ("udp", "unix-dgram"): "services.servers.udp_server.UdpServer",
    ("time", "udp"): "services.servers.time_server.UdpTimeServer",
    ("time", "tcp"): "services.servers.time_server.TcpTimeServer",
    ("broadcast-receiver", "udp"): "services.servers.broadcast_server.BroadcastReceiver",
    ("broadcast-sender", "udp"): "services.servers.broadcast_server.BroadcastSender",
    ("command", "tcp"): "services.servers.command_server.CommandServer",
}


def load(kind: str, transport: str) -> type[Server]:
    """The class of this kind of server. Raises KeyError for one that is not in the table."""
    module, _, name = SERVERS[kind, transport].rpartition(".")
    found: type[Server] = getattr(import_module(module), name)
    return found
