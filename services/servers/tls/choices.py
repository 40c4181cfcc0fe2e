"""Whether what a server should do about TLS makes sense: names that are names, and a kind that can speak it.

It knows no certificate: whether one of that name exists is asked when the server starts.
"""

from services.servers.spec import NAME, Tls

KINDS = frozenset({"tcp", "time"})


def check(tls: Tls, kind: str, transport: str, problems: dict[str, str]) -> None:
    """Add a sentence to `problems` for each wrong field (`tls.certificate`). What is off may be half filled in."""
    for field, name in (("tls.certificate", tls.certificate), ("tls.client_ca", tls.client_ca)):
        if name and not NAME.fullmatch(name):
            problems[field] = (
                "A name is 1 to 64 small letters, digits, - or _, and begins and ends with a letter or digit."
            )
    if tls.mode == "off":
        return
    if kind == "command":
        problems["tls.mode"] = (
            "A command server has TLS of its own wherever it is reached from elsewhere: set it to off."
        )
    elif kind not in KINDS or transport != "tcp":
        problems["tls.mode"] = "TLS is for servers over TCP: set it to off, or the transport to tcp."
    if not tls.certificate:
        problems["tls.certificate"] = "TLS needs a certificate: name one of those on the page Certificates."
    if tls.client != "none" and not tls.client_ca:
        problems["tls.client_ca"] = "Name the authority that vouches for the clients' certificates."
