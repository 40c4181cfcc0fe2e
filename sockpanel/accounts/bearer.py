"""The token that a request brings along, if it does. It knows neither people nor their tokens."""


def token_of(header: str) -> str | None:
    """The token in an Authorization header; None when it brings none."""
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None
