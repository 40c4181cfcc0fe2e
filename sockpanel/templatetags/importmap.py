"""`{% importmap %}`: the names by which our script imports, and the hashed files that they mean.

    import { row } from "app/rows";                static/js/rows.js
    import uPlot from "uplot";                     a vendor file
    import { words } from "app/commands/words";    static/js/commands/words.js, where the page has {% importmap "commands" %}

What lies in a folder is a part of the site of its own, and not in the maps of other pages: they stay light.

A relative import would miss the hashed file. This is the one inline script of a page; it carries the nonce of the
page's Content-Security-Policy (`request.csp_nonce`). `<`, `>` and `&` are escaped, as in every JSON inside HTML.
"""

import json
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from sockpanel.vendor import MODULES

register = template.Library()

_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


@register.simple_tag(takes_context=True)
def importmap(context: RequestContext, part: str = "") -> SafeString:
    """The <script type="importmap"> element; it stands before the first module. `part`: a folder of modules besides."""
    text = _written(part) if settings.DEBUG else _kept(part)
    nonce = getattr(context.get("request"), "csp_nonce", "")
    return format_html(
        '<script type="importmap"{}>{}</script>',
        format_html(' nonce="{}"', nonce) if nonce else "",
        mark_safe(text),  # noqa: S308 (our own file names, escaped)
    )


def modules(part: str = "") -> dict[str, str]:
    """Bare name -> static name, for our own modules and the vendors', as the pages of `part` have them."""
    folder = Path(settings.BASE_DIR, "static")
    ours = {
        f"app/{path.relative_to(folder / 'js').with_suffix('').as_posix()}": path.relative_to(folder).as_posix()
        for place in dict.fromkeys(["", part])
        for path in sorted((folder / f"js/{place}").glob("*.js"))
    }
    return ours | {name: f"vendor/{path}" for place in ("", part) for name, path in MODULES.get(place, {}).items()}


def _written(part: str) -> str:
    imports = {name: static(path) for name, path in modules(part).items()}
    return json.dumps({"imports": imports}, separators=(",", ":")).translate(_ESCAPES)


@cache
def _kept(part: str) -> str:
    """Files do not change while the panel runs, unless it is being debugged."""
    return _written(part)
