"""Runs `imgmove` in forked children of one warm process, so that hundreds of deaths take minutes and not hours.

Reads one JSON command a line on standard input: {"words": […], "home": …, "environment": {…},
"kill_at_write": [n, "before" or "after"] or null}.
Answers with two lines: {"pid": …} when the child runs, {"code": …, "out": …, "err": …, "writes": n} when it has ended
(a negative code is the signal that killed it).
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

#: What a submit that took effect may stay invisible for, in these runs: the emulated clouds show it at once.
SETTLING_SECONDS = 0.05


def warm_up(names: Iterable[str]) -> None:
    """Import what an earlier child had to import: the next one finds it there. What needs its package first waits."""
    for name in names:
        if name not in sys.modules:
            with suppress(ImportError):
                import_module(name)


def shorten_settling() -> None:
    from imgmove.clouds.registry import Registry

    for abilities in Registry.installed().abilities():
        for operation, ability in abilities.operations.items():
            abilities.operations[operation] = dataclasses.replace(ability, settling_seconds=SETTLING_SECONDS)


def count_writes(kill_at: tuple[int, str] | None, report: Path) -> None:
    """Count the journal's transactions, and die by SIGKILL before or after the one that is named."""
    from imgmove.journal.database import Database

    original = Database.writing
    seen = 0

    @contextmanager
    def writing(self: Database, *, durable: bool = True) -> Iterator[Any]:
        nonlocal seen
        seen += 1
        report.write_text(str(seen))
        if kill_at == (seen, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        with original(self, durable=durable) as connection:
            yield connection
        if kill_at == (seen, "after"):
            os.kill(os.getpid(), signal.SIGKILL)

    Database.writing = writing  # type: ignore[method-assign]  # the one seam through which every write goes


def child(command: dict[str, Any], folder: Path) -> None:
    """The child's whole life."""
    for stream, name in ((1, "out"), (2, "err")):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(command["environment"])
    os.environ["IMGMOVE_HOME"] = command["home"]
    shorten_settling()
    kill_at = command.get("kill_at_write")
    count_writes((kill_at[0], kill_at[1]) if kill_at else None, folder / "writes")
    from imgmove.cli.main import main

    code = 1
    try:
        main(command["words"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        (folder / "modules").write_text("\n".join(sys.modules))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def text_of(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def serve() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pid = os.fork()
            if pid == 0:
                child(command, folder)
            print(json.dumps({"pid": pid}), flush=True)
            _, status = os.waitpid(pid, 0)
            answer = {
                "code": os.waitstatus_to_exitcode(status),
                "out": text_of(folder / "out"),
                "err": text_of(folder / "err"),
                "writes": int(text_of(folder / "writes") or 0),
            }
            warm_up(text_of(folder / "modules").split())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
