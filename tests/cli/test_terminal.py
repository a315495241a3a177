"""What stands on a terminal: findings stay above what moves, reports are wrapped, and nothing foreign gets through."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import sys
import termios
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli
from tests.cli.test_check import SEED_DISK
from tests.cli.test_migrate import CVM, TO_ECS

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: All that is ever sent: colours, lines that are written over, a cursor that is hidden.
_OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|1A|2K|[0-9]*[AK])")


def on_terminal(*words: str, columns: int = 80, rows: int = 24) -> tuple[int, str]:
    """The exit code of `imgmove WORDS` on a terminal of that size, and everything that was sent to it."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # Not execv: the C library has more than os.environ where somebody loaded readline.
        os.execve(sys.executable, [sys.executable, "-m", "imgmove", *words], dict(os.environ))
    sent = bytearray()
    while piece := _read(terminal):
        sent += piece
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), sent.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def lines_of(sent: str) -> list[str]:
    return [line.rstrip("\r") for line in _SEQUENCE.sub("", sent).split("\n")]


@pytest.fixture(autouse=True)
def _terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_findings_on_the_way_stay(sandbox: Sandbox) -> None:
    sandbox.sow({"bucket": [{"provider": "alibaba", "name": "imgmove-hz", "acl": "public-read"}]})
    code, sent = on_terminal(
        "migrate", CVM, *TO_ECS, "--name", "web", "--check", "--poll-interval", "10ms", columns=150
    )
    assert code == 0, sent
    lines = lines_of(sent)
    assert any("warn bucket-public: " in line for line in lines), sent
    checked = next(number for number, line in enumerate(lines) if "warn G05: " in line)
    copied = next(number for number, line in enumerate(lines) if "✓ copy" in line)
    assert checked < copied


@pytest.mark.parametrize(("columns", "rows"), [(60, 4), (80, 24), (200, 50)])
def test_a_report_fits_and_its_commands_are_whole(tmp_path: Path, columns: int, rows: int) -> None:
    image = tmp_path / "网站-[bold red]x.qcow2"
    shutil.copy(SEED_DISK, image)
    code, sent = on_terminal("check", str(image), "--for", "tencent", columns=columns, rows=rows)
    assert code == 4, sent
    report = lines_of(sent)
    assert "[bold red]x.qcow2: would" in " ".join(report), sent
    assert any("`datasource_list: [ ConfigDrive, TencentCloud, AliYun, NoCloud, None ]`" in line for line in report)
    indented = [line for line in report if line.startswith("      ") and "`" not in line]
    assert indented
    assert [line for line in indented if len(line) > columns] == []
    assert not _OURS.sub("", sent).count("\x1b")


@pytest.mark.parametrize(
    "words", [("check", str(SEED_DISK), "--for", "alibaba"), ("doctor", CVM, *TO_ECS, "--name", "m1")]
)
def test_a_dumb_terminal_gets_no_sequences(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("TERM", "dumb")
    code, sent = on_terminal(*words)
    assert code == 0, sent
    assert "\x1b" not in sent
