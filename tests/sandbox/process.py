"""A sandbox in a process of its own, and its control port."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sandbox_process(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`python -m imgmove.sandbox` and the environment that it prints."""
    command = [sys.executable, "-m", "imgmove.sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, read_environment(process)
        finally:
            process.kill()


def read_environment(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        assert line.startswith("export ")
        name, _, value = line.removeprefix("export ").rstrip("\n").partition("=")
        found[name] = value
        if name == "IMGMOVE_SANDBOX_CONTROL":
            return found
    raise AssertionError(process.stderr.read() if process.stderr else "no environment")


def control(environment: dict[str, str], method: str, path: str, **given: Any) -> Any:
    request = urllib.request.Request(
        environment["IMGMOVE_SANDBOX_CONTROL"] + path, json.dumps(given).encode() if given else None, method=method
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)
