"""Somebody at the panel's door, by plain HTTP: keeps cookies, follows no redirect, sends the CSRF token as the pages' forms do."""

import http.client
import json as jsonlib
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return jsonlib.loads(self.body)


class Visitor:
    """One person or script. `headers` go with every request."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self._csrf = ""

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        self._keep_cookies(answer)
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, data: dict[str, str] | None = None, *, json: Any = None, method: str = "POST") -> Answer:
        """A form, or JSON, with the CSRF token of the session."""
        headers = {"X-CSRFToken": self.csrf()} if self.cookies else {}
        if json is not None:
            return self.request(
                method, path, jsonlib.dumps(json).encode(), {**headers, "Content-Type": "application/json"}
            )
        form = urlencode(data or {}).encode()
        return self.request(method, path, form, {**headers, "Content-Type": "application/x-www-form-urlencoded"})

    def sign_in(self, username: str, password: str) -> Answer:
        """What the sign-in form gets for an answer."""
        page = self.get("/login/")
        self._csrf = _token_in(page.text)
        answer = self.post("/login/", {"username": username, "password": password})
        self._csrf = ""  # it changes with the session
        return answer

    def csrf(self) -> str:
        """The CSRF token that the pages carry."""
        if not self._csrf:
            self._csrf = _token_in(self.get("/servers/").text)
        return self._csrf

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            if value in ("", '""'):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def _token_in(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page) or re.search(
        r'name="csrf-token" content="(\w+)"', page
    )
    return found[1] if found else ""


def raw(host: str, port: int, request: bytes) -> tuple[int, bytes]:
    """Exactly these bytes over a socket of their own: the status and all that came back."""
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(request)
        said = b""
        while b"\r\n\r\n" not in said and (piece := connection.recv(65_536)):
            said += piece
    match = re.match(rb"HTTP/1\.[01] (\d{3})", said)
    return (int(match[1]) if match else 0), said
