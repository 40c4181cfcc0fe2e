"""A line that an allow-list takes, to show how a server is asked. It runs nothing.

sample(options)  # ("uname", "-a"); () when no command can be asked for without knowing what its words mean
"""

from services.servers.commands.options import Allowed, CommandOptions, Slot


def sample(options: CommandOptions) -> tuple[str, ...]:
    """The first command whose words can be made up: a choice, or the lowest number."""
    made = ((one, _words(one)) for one in options.commands)
    return next(((one.id, *words) for one, words in made if words is not None), ())


def _words(allowed: Allowed) -> list[str] | None:
    words: list[str] = []
    for slot in allowed.arguments:
        if not isinstance(slot, Slot):
            continue
        if slot.choices:
            words.append(slot.choices[0])
        elif slot.optional:
            continue
        elif slot.pattern:
            return None  # only its admin knows a text that means something
        else:
            words.append(str(slot.low or 0))
    return words
