"""`{% icon "play-fill" %}`: an icon of bootstrap-icons, inlined: it takes the text's colour and costs no request.

    {% load icons %}
    {% icon "stop-fill" %} Stop                      decoration: hidden from screen readers
    {% icon "stop-fill" label="Stop" %}              alone: it carries its name

Only names that the package has are read, once each per process: when it starts, for `node_modules` may be deleted while it runs. What
cannot be read any more is left blank.
"""

import re
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_SVG = re.compile(r'<svg [^>]*viewBox="(?P<box>[0-9. ]+)"[^>]*>\s*(?P<shapes>.*?)\s*</svg>\s*', re.DOTALL)
_QUOTED = re.compile(r"""["']([a-z0-9-]+)["']""")
_BLANK = ("0 0 16 16", "")


@register.simple_tag
def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    """The icon as an <svg> element. Raises TemplateSyntaxError for a name that the package does not have."""
    try:
        box, shapes = _read(name)
    except FileNotFoundError:
        box, shapes = _BLANK
    naming = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon{}{}" width="16" height="16" viewBox="{}" fill="currentColor" focusable="false" {}>{}</svg>',
        " " if classes else "",
        classes,
        box,
        naming,
        mark_safe(shapes),  # noqa: S308 (from the locked package, never from a person)
    )


def read_named() -> None:
    """All that the templates and the tables of the pages name. A system check tells where the package is missing."""
    named = chain(Path(settings.BASE_DIR, "templates").rglob("*.html"), Path(__file__).parent.parent.glob("pages/*.py"))
    with suppress(FileNotFoundError):
        words = {word for path in named for word in _QUOTED.findall(path.read_text(encoding="utf-8"))}
        for name in words & _names():
            _read(name)


@cache
def _read(name: str) -> tuple[str, str]:
    """The view box of an icon and what is drawn in it."""
    if name not in _names():
        raise template.TemplateSyntaxError(f"bootstrap-icons has no icon {name!r}: see https://icons.getbootstrap.com.")
    match = _SVG.fullmatch((_folder() / f"{name}.svg").read_text(encoding="utf-8"))
    if match is None:
        raise template.TemplateSyntaxError(f"The icon {name!r} is not drawn as an icon of bootstrap-icons is.")
    return match["box"], match["shapes"]


@cache
def _names() -> frozenset[str]:
    """Raises FileNotFoundError where the package is gone."""
    return frozenset(path.stem for path in _folder().iterdir() if path.suffix == ".svg")


def _folder() -> Path:
    return Path(settings.SOCKPANEL_NODE_MODULES, "bootstrap-icons", "icons")
