"""Running the programs that make disks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.tools import program


def run(package: str, name: str, *arguments: str | Path, stdin: str | bytes = "", **environment: str) -> str:
    """Run a program of a Debian package and return what it printed; the test fails where it fails."""
    words = [program(name, package), *map(str, arguments)]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    settings = os.environ | {"LC_ALL": "C", "TZ": "UTC"} | environment
    done = subprocess.run(words, input=data, capture_output=True, env=settings, timeout=240, check=False)
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {told}"
    return told
