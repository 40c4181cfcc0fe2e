#!/usr/bin/env python
"""Sockpanel's command line: `manage.py up` starts everything, `manage.py help` lists the rest."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sockpanel.settings")
    from django.core.management import execute_from_command_line  # only after the settings are named

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
