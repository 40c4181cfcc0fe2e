"""Django's SQLite backend, but for how a new file begins: see base.py."""
