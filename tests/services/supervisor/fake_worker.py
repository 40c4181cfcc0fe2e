"""A worker that does what the text of its reply says, step by step: `ready; batch; say hello; exit 3`. No server in it.

Steps: ready, batch [MESSAGES], stored (waits until the last batch is), done (answers every order), pulse SECONDS (heartbeats),
begin ASK, ended ASK (of commands), recorded (waits until the last is), used (a key), briefed (waits for a briefing, says its key),
refuse TEXT, say TEXT (to stderr), garbage, eof (leaves the link), hang (deaf to SIGTERM), child (a process of its own, deaf to
SIGTERM), wait (for SIGTERM), exit CODE.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from services.servers import framing, report

AT = 1_750_000_000_000_000


class FakeWorker:
    def __init__(self) -> None:
        start = json.load(sys.stdin)
        self.link = socket.socket(fileno=start["link"])
        self.steps = [step.strip() for step in start["spec"]["reply"]["text"].split(";")]
        self.batches = 0
        self.stopped = threading.Event()
        self.decoder = framing.decoder(report.FRAMING)
        signal.signal(signal.SIGTERM, lambda *_: self.stopped.set())

    def run(self) -> None:
        for step in self.steps:
            name, _, words = step.partition(" ")
            getattr(self, name)(words)

    def tell(self, told: report.Told) -> None:
        self.link.sendall(report.encode(told))

    def orders(self):
        while data := self.link.recv(65536):
            yield from (report.decode_to_worker(payload) for payload in self.decoder.feed(data))

    def ready(self, _: str) -> None:
        self.tell(report.Ready())

    def batch(self, messages: str) -> None:
        self.batches += 1
        row = (1, 1, "127.0.0.1:5000", report.IN, b"x" * 1000, 1000, "")
        self.tell(report.Batch(number=self.batches, messages=[row] * int(messages or 1)))

    def say(self, text: str) -> None:
        os.write(2, text.encode() + b"\n")

    def refuse(self, text: str) -> None:
        self.tell(report.Failed(message=text))

    def done(self, _: str) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for order in self.orders():
            self.tell(report.Done(action=order.action, count=1))

    def pulse(self, seconds: str) -> None:
        while not self.stopped.wait(float(seconds)):
            self.tell(report.Heartbeat())

    def stored(self, _: str) -> None:
        for order in self.orders():
            if order == report.Stored(number=self.batches):
                return

    def begin(self, ask: str) -> None:
        self.ask = int(ask)
        self.tell(report.CommandBegun(self.ask, 1, AT, "lab", b"k" * 32, "ada", "127.0.0.1:5000", "uname", ("uname",)))

    def recorded(self, _: str) -> None:
        for order in self.orders():
            if order == report.Recorded(ask=self.ask):
                return

    def ended(self, ask: str) -> None:
        self.tell(report.CommandEnded(ask=int(ask), at=AT, code=0))

    def used(self, _: str) -> None:
        self.tell(report.KeyUsed(b"k" * 32, AT, "127.0.0.1:5000"))

    def briefed(self, _: str) -> None:
        for order in self.orders():
            if isinstance(order, report.Brief):
                self.say(f"briefed {order.briefing.keys[0].name}")
                return

    def garbage(self, _: str) -> None:
        self.link.sendall(b"\xff\xff\xff\xff garbage")

    def hang(self, _: str) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def wait(self, _: str) -> None:
        self.stopped.wait()

    def eof(self, _: str) -> None:
        self.link.close()

    def exit(self, code: str) -> None:
        os._exit(int(code or 0))

    def child(self, _: str) -> None:
        """A grandchild of the supervisor that stays in the group, deaf to SIGTERM."""
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)


if __name__ == "__main__":
    FakeWorker().run()
