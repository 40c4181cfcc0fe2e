"""Byte strings that try to be more than bytes: markup, script, templates, queries, links, controls, directions, broken text.

corpus()                # over 500 of them, each another, the same in every run
WORDS                   # what a page would hold, say or have done if one of them had worked

Each that could run would leave `window.harmed` behind, open a dialog, or put an element with the name or class `harm` on the page.
"""

from collections.abc import Iterator
from itertools import product

DO = "window.harmed=1;alert(1)"
TAGS = (
    "script", "img", "svg", "iframe", "object", "embed", "video", "audio", "details", "body", "input", "form", "math",
    "style", "link",
    "meta", "base", "template", "marquee", "x-harm",
)  # fmt: skip
HANDLERS = ("onerror", "onload", "onclick", "ontoggle", "onfocus", "onanimationstart", "onpointerenter")
BREAKS = ("", '">', "'>", "-->", "</script>", "</title>", "</textarea>", "]]>", "</pre></div>", "`}")
LINKS = (
    "javascript:",
    "JaVaScRiPt:",
    "java\tscript:",
    "\x01javascript:",
    "data:text/html,<script>",
    "vbscript:",
    "&#106;avascript:",
)
TEMPLATES = (
    "{{7*7}}", "{% load x %}", "{% include 'base.html' %}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{{constructor.constructor('alert(1)')()}}",
    "{{ request.user.password }}", "%(asctime)s", "{0.__class__.__mro__}", "%n%n%s%x", "$(id)", "`id`", "{% debug %}",
)  # fmt: skip
QUERIES = (
    "' OR 1=1 --",
    "'; DROP TABLE services_message; --",
    "%' AND 1=1",
    "\\'; SELECT 1",
    '{"$gt": ""}',
    "*)(uid=*",
    "1/**/UNION/**/SELECT",
)
CONTROLS = (
    "\x1b[2J\x1b[H", "\x1b]0;harm\x07", "\x1b]52;c;aGFybQ==\x07", "\x1b]8;;http://192.0.2.1/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[6n", "\x1b[31m",
    "\x1bP+q544e\x1b\\", "\x1b[?1049h", "\x9b2J", "\x9d0;harm\x9c", "safe\revil", "a\bb", "a\x0bb\x0cc", "\x07\x07",
    "a\x7fb", "\x00", "a\x00b",
    "line\nline", "line\r\nX-Harm: 1\r\n\r\n", "\x85next", "\u2028line", "\u2029paragraph", "\x1b[999999999C",
    "\x1b#8", "\x0e\x0f",
)  # fmt: skip
DIRECTIONS = (
    "\u202a",
    "\u202b",
    "\u202c",
    "\u202d",
    "\u202e",
    "\u2066",
    "\u2067",
    "\u2068",
    "\u2069",
    "\u200e",
    "\u200f",
    "\u061c",
)
INVISIBLE = (
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u034f",
    "\u3164",
    "\uffa0",
    "\u2800",
    "\u180e",
    "\U000e0041",
    "\ufe0f",
    "\u00a0",
)
BROKEN = (
    b"\xff", b"\xfe\xff", b"\xc0\xaf", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xb0\x80",
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
    b"\x80", b"abc\xe2\x82", b"\xf0\x9f\x98", b"\xc3\x28", bytes(range(256)), b"\xef\xbb\xbf<b class=harm>",
    b"+ADw-script+AD4-alert(1)",
    "<b class=harm>".encode("utf-16"), "<b class=harm>".encode("utf-16-be"), "<b class=harm>".encode("utf-32"),
    b"\xbcscript\xbe", b"\x1b$B<b>\x1b(B",
)  # fmt: skip


def corpus() -> list[bytes]:
    """All of them, without doubles."""
    texts = [text.encode("utf-8", "surrogatepass") for text in _texts()]
    return list(dict.fromkeys([*texts, *BROKEN, *_frames()]))


def texts() -> list[str]:
    """Those that are text and hold no NUL: what a form or a JSON string can carry."""
    return [text for text in dict.fromkeys(_texts()) if "\0" not in text]


def _texts() -> Iterator[str]:
    yield from _markup()
    yield from (f"{scheme}{DO}" for scheme in LINKS)
    yield from (f'<a class=harm href="{scheme}{DO}">x</a>' for scheme in LINKS)
    yield from (f"{before}{text}" for before, text in product(("", '"', "'"), TEMPLATES))
    yield from QUERIES
    yield from CONTROLS
    yield from (f"harm{mark}gnp.exe" for mark in (*DIRECTIONS, *INVISIBLE))
    yield from (f"{mark}<b class=harm>{mark}" for mark in (*DIRECTIONS, *INVISIBLE))
    yield from (
        "e" + "\u0301" * 200,
        "\ufdfd" * 20,
        "ﷺ" * 50,
        "𝖍𝖆𝖗𝖒",
        "ｓｃｒｉｐｔ",
        "＜ｂ＞",
        "\u212a",
        "ı",
        "ﬁ",
        "\U0001f468\u200d\U0001f469",
    )
    yield from (
        "A" * 5_000,
        "<" * 500,
        "&" * 500,
        "&lt;" * 100,
        "&#x3c;b class=harm&#x3e;",
        '{"a":' * 100,
        "[" * 5_000,
        '{"__proto__": {"harmed": 1}}',
    )


def _markup() -> Iterator[str]:
    """Elements, with what must be closed before them to get out of where they are put."""
    for before, tag in product(BREAKS, TAGS):
        yield f"{before}<{tag} class=harm src=x onerror={DO}>"
    for tag, handler in product(TAGS, HANDLERS):
        yield f'<{tag.upper()}/class="harm"/{handler}="{DO}" autofocus open src=x>'
    for before in BREAKS:
        yield f"{before}<script>{DO}</script>"
        yield f'{before}" {HANDLERS[0]}={DO} x="'
        yield f"{before}<style>*{{background:url(http://192.0.2.1/)}}</style>"
    yield from (
        "<!--<b class=harm>",
        "<![CDATA[<b class=harm>",
        "<?xml version='1.0'?>",
        "<noscript><p title='</noscript><b class=harm>'>",
    )
    yield from (
        "<svg><script>alert(1)</script>",
        "<math><mtext></form><form><mglyph><style></math><img class=harm src onerror=alert(1)>",
    )


def _frames() -> Iterator[bytes]:
    """Bytes that are something to somebody else: requests, handshakes, archives, objects that unpack into deeds."""
    yield b"GET / HTTP/1.1\r\nHost: harm\r\nCookie: a=b\r\n\r\n"
    yield b"HTTP/1.1 200 OK\r\nSet-Cookie: harm=1\r\nContent-Type: text/html\r\n\r\n<b class=harm>"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield b"cos\nsystem\n(S'id'\ntR."
    yield b"PK\x03\x04" + bytes(26)
    yield b"\xac\xed\x00\x05sr\x00"
    yield b"\x89PNG\r\n\x1a\n<b class=harm>"
    yield b"GIF89a/*<b class=harm>*/=1;alert(1)"
