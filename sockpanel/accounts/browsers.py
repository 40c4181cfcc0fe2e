"""What a browser says it is, in two words for people: "Firefox on Linux". What it says may be anything."""

import re

# The first that is found; each of them claims to be some of those below it
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
    ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def named(said: str) -> str:
    """The words for a User-Agent header; its first word where it is none that is known."""
    browser = next((name for mark, name in BROWSERS if mark in said), "")
    system = next((name for mark, name in SYSTEMS if mark in said), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    first = re.match(r"[\w.-]{1,40}", said)
    return first[0] if first else "unknown browser"
