"""A bare loop of `recv`: says its port, counts until its standard input ends, says how many datagrams came."""

import socket
import sys
import threading

over = threading.Event()


def listen() -> None:
    sys.stdin.readline()
    over.set()


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    sink.bind(("127.0.0.1", 0))
    sink.settimeout(0.5)
    print(sink.getsockname()[1], flush=True)
    threading.Thread(target=listen, daemon=True).start()
    received = 0
    while True:
        try:
            sink.recv(2048)
            received += 1
        except TimeoutError:
            if over.is_set():
                break
print(received)
