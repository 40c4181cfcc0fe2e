"""How many files a worker may have open."""

import subprocess
import sys

from tests.services.servers.supervising import ROOT

CODE = """
import resource
from services.servers import descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))
before = descriptors.for_connections()
descriptors.raise_limit()
print(before, descriptors.for_connections(), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_is_raised_and_some_are_kept_back():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=2) == ["36", "236", "(300, 300)\n"]
