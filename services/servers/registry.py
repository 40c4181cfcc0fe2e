"""The kinds of servers, by kind and transport: the one table."""

from services.servers.broadcast_server import BroadcastReceiver, BroadcastSender
from services.servers.server import Server
from services.servers.tcp_server import TcpServer
from services.servers.time_server import TcpTimeServer, UdpTimeServer
from services.servers.udp_server import UdpServer

SERVERS: dict[tuple[str, str], type[Server]] = {
    ("tcp", "tcp"): TcpServer,
    ("tcp", "unix"): TcpServer,
    ("udp", "udp"): UdpServer,
    ("udp", "unix-dgram"): UdpServer,
    ("time", "udp"): UdpTimeServer,
    ("time", "tcp"): TcpTimeServer,
    ("broadcast-receiver", "udp"): BroadcastReceiver,
    ("broadcast-sender", "udp"): BroadcastSender,
}
