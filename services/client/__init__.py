"""One exchange as a client: bytes out, what came back, when, from whom and how long it took.

The same code behind the Client page, the API and `manage.py client`. The panel goes through `targets.exchange`, which refuses the
addresses that it must not be made to talk to; the command line, whose user has a shell anyway, calls `exchange`.

    done = await exchange(build({"transport": "tcp", "host": "127.0.0.1", "port": 8007, "data": "abc"}))
    [piece.data for piece in done.received] == [b"abc"]
"""

from services.client.exchange import exchange
from services.client.request import Exchange, Received, Request, as_dict, build

__all__ = ["Exchange", "Received", "Request", "as_dict", "build", "exchange"]
