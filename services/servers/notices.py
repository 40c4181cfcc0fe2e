"""Words for whoever reads a worker's stderr: the run's last lines on the server's page."""

import sys


def tell(text: str) -> None:
    """One line. What strangers sent into it shows as escapes."""
    safe = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    sys.stderr.write(safe + "\n")
    sys.stderr.flush()
