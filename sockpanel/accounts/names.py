"""What people may be called: by letters of one script, as nobody else is, and as nobody else seems to be. It knows no account.

    names.refusal("Аdа", ["ada"])     # a sentence; empty for a name that will do

Two names look alike when their folds are the same. The fold is a small one: letters of Cyrillic, Greek and Armenian that are drawn
like Latin ones, Latin variants, and the digits 0 and 1. What else looks alike to a tired reader (rn and m) it does not know.
"""

import unicodedata
from collections.abc import Iterable

BARE = "A name has at least one letter or digit."
TAKEN = "Somebody has this user name already: choose another one."
ALIKE = "It looks like a user name that somebody has already: choose another one."
MIXED = "Its letters are {scripts}, which look alike: keep to one script."
_SCRIPTS = frozenset({"Latin", "Cyrillic", "Greek", "Armenian"})  # some of one look like some of another
# Latin letter -> what is drawn like it, as it is written: a capital may look like another letter than its small one
_DRAWN = {
    "a": "аАαΑɑᴀա",
    "b": "вВьЬβΒʙ",
    "c": "сСϲϹᴄ",
    "d": "ԁԀᴅ",
    "e": "еЕεΕҽᴇ",
    "f": "ϝϜ",
    "g": "ɡցɢԌ",
    "h": "һҺнНΗʜհ",
    "i": "іІιΙıɪ",
    "j": "јЈյϳᴊ",
    "k": "кКκΚᴋ",
    "l": "ӏӀ1Iլʟ",
    "m": "мМΜᴍ",
    "n": "пηΝռոɴ",
    "o": "оОοΟօՕ0σᴏ",
    "p": "рРρΡᴘ",
    "q": "ԛԚզ",
    "r": "гʀ",
    "s": "ѕЅՏꜱ",
    "t": "тТτΤᴛ",
    "u": "υսՍᴜ",
    "v": "νѵѴᴠ",
    "w": "ԝԜωѡѠᴡ",
    "x": "хХχΧ",
    "y": "уУүҮγΥʏ",
    "z": "ζΖᴢ",
}
_LATIN = {ord(letter): latin for latin, letters in _DRAWN.items() for letter in letters}


def refusal(name: str, others: Iterable[str]) -> str:
    """Why nobody may be called so beside these others; empty where somebody may. An empty name is not judged here."""
    if name and not any(letter.isalnum() for letter in name):
        return BARE
    if len(found := scripts(name)) > 1:
        return MIXED.format(scripts=" and ".join(found))
    return _clash(name, others)


def scripts(name: str) -> list[str]:
    """Of a name's letters, those where some of one look like some of another."""
    return sorted(
        _SCRIPTS & {unicodedata.name(letter, "").partition(" ")[0].title() for letter in name if letter.isalpha()}
    )


def fold(name: str) -> str:
    """The same for all names that look the same."""
    return unicodedata.normalize("NFKD", name).translate(_LATIN).casefold()


def _clash(name: str, others: Iterable[str]) -> str:
    same, alike = unicodedata.normalize("NFKC", name).casefold(), fold(name)
    found = ""
    for other in others:
        if unicodedata.normalize("NFKC", other).casefold() == same:
            return TAKEN
        if fold(other) == alike:
            found = ALIKE
    return found
