"""The Client page: one exchange over TCP or UDP, a question for the time, a broadcast; what was sent and what came back."""

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from services import numbers
from services.client.request import Exchange, as_dict, build
from services.client.targets import exchange_for
from services.errors import SockpanelError
from services.servers.clock import rfc3339
from sockpanel.accounts.access import require
from sockpanel.pages.fields import FRAMINGS
from sockpanel.pages.frame import page, who

# what people choose -> what the exchange is told
TRANSPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "tcp": ("TCP", {"transport": "tcp"}),
    "udp": ("UDP", {"transport": "udp"}),
    "time": ("Time", {"transport": "udp", "expect": 1}),
    "broadcast": ("Broadcast", {"transport": "udp", "broadcast": True}),
}
NUMBERS = {"port": numbers.signed, "timeout": numbers.decimal, "framing.size": numbers.signed}
DEFAULTS = {
    "transport": "tcp",
    "host": "127.0.0.1",
    "port": "",
    "data": "",
    "encoding": "text",
    "timeout": "2",
    "framing.type": "none",
}


@require_http_methods(["GET", "HEAD", "POST"])
@require("client.see", post="client.use")
def client(request: HttpRequest) -> HttpResponse:
    """The form, filled in from the query; a POST makes the exchange."""
    if request.method != "POST":
        return _show(request, DEFAULTS | request.GET.dict())
    values = DEFAULTS | request.POST.dict()
    try:
        done = async_to_sync(exchange_for)(who(request), build(words(values)))
    except SockpanelError as error:
        return _show(request, values, error=error, status=422 if error.field else 502)
    return _show(request, values, done=done)


def words(values: dict[str, str]) -> dict[str, Any]:
    """The words of a request: numbers as numbers, the framing as a mapping."""
    _, fixed = TRANSPORTS.get(values["transport"], ("", {"transport": values["transport"]}))
    found: dict[str, Any] = {"host": values["host"], "data": values["data"], "encoding": values["encoding"], **fixed}
    for name in ("port", "timeout"):
        found[name] = _number(name, values.get(name, ""))
    if found["transport"] == "tcp" and values["framing.type"] != "none":
        found["framing"] = {
            "type": values["framing.type"],
            **{
                name.partition(".")[2]: _number(name, value)
                for name, value in values.items()
                if name in ("framing.size", "framing.delimiter", "framing.order") and value
            },
        }
        if "framing.includes_itself" in values:
            found["framing"]["includes_itself"] = True
    if found["transport"] == "tcp" and "tls" in values:
        trust = {"ca": values.get("tls.ca", ""), "name": values.get("tls.name", "").strip()}
        found["tls"] = {**trust, "insecure": "tls.insecure" in values}
    return found


def _number(name: str, value: str) -> Any:
    """The number that was typed; what is none is left for `build` to refuse."""
    if name not in NUMBERS or not value:
        return value or None
    number = NUMBERS[name](value.strip())
    return value if number is None else number


def _show(
    request: HttpRequest,
    values: dict[str, Any],
    *,
    done: Exchange | None = None,
    error: SockpanelError | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = None
    if done:
        shown = {**as_dict(done), "sent": done.sent, "sent_at": rfc3339(done.sent_at)}
        shown["received"] = [
            {"data": piece.data, "at": rfc3339(piece.at), "peer": piece.peer, "after_ms": piece.after_ms}
            for piece in done.received
        ]
    values = {key.replace(".", "_"): value for key, value in values.items()}
    context = {
        "values": values,
        "transports": {key: word for key, (word, _) in TRANSPORTS.items()},
        "framings": FRAMINGS,
    }
    return page(request, "client", context | {"done": shown, "error": error}, status)
