"""`python -m tests.services.servers.commands.plain_client HOST PORT BYTES`: asks for so many; says how many came in how long."""

import socket
import sys
import time

from services.servers.commands import handshake
from services.servers.commands.client_side import ClientSide
from services.servers.commands.wire import Exit, Output, Welcome
from tests.services.servers.commands.sides import LAB, SERVER_KEY


def fetch(host: str, port: int, size: int) -> tuple[int, float]:
    """Bytes, and the seconds that they took."""
    side, came, began = ClientSide(LAB, SERVER_KEY, handshake.NO_BINDING), 0, 0.0
    with socket.create_connection((host, port), timeout=30) as sock:
        while True:
            for told in side.receive(sock.recv(256 * 1024)):
                if isinstance(told, Welcome):
                    began = time.monotonic()
                    sock.sendall(side.run(1, argv=["head", str(size)]))
                elif isinstance(told, Output):
                    came += len(told.data)
                elif isinstance(told, Exit):
                    return came, time.monotonic() - began
            if waiting := side.take():
                sock.sendall(waiting)


if __name__ == "__main__":
    print(*fetch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
