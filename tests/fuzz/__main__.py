"""Runs targets under atheris, each in a process of its own, and says what it found: `python -m tests.fuzz guard --seconds 60`.

A find is kept as a file in the folder that is printed; `python -m tests.fuzz TARGET --again FILE` runs it alone.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

_MEMORY_MIB: Final = 1024
_ONE_INPUT_SECONDS: Final = 15
_LONGEST_BYTES: Final = 80_000
_NAMES: Final = ("guard", "tar", "gunzip", "disk", "container", "cpio", "unpack", "guest")


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    words.add_argument("target", choices=[*_NAMES, "all"])
    words.add_argument("--seconds", type=int, default=60, help="for each target")
    words.add_argument("--keep", type=Path, help="a folder for the corpus and the finds (default: a temporary one)")
    words.add_argument("--again", type=Path, help="run this one input, without the fuzzer")
    words.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.again:
        _targets()[given.target](given.again.read_bytes())
        return 0
    if given.child:
        _fuzz(given.target, given.seconds, given.keep)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="imgmove-fuzz-"))
    names = _NAMES if given.target == "all" else (given.target,)
    return max(_in_a_process(name, given.seconds, folder / name) for name in names)


def _targets() -> dict[str, Any]:
    return dict(importlib.import_module("tests.fuzz.targets").TARGETS)


def _in_a_process(name: str, seconds: int, folder: Path) -> int:
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "tests.fuzz", name, "--child", "--seconds", str(seconds), "--keep", str(folder)]
    log = folder / "log"
    with log.open("wb") as file:
        done = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, check=False)
    text = log.read_text("utf-8", "replace")
    runs = re.findall(r"stat::number_of_executed_units:\s+(\d+)|#(\d+)\s", text)
    count = max((int(a or b) for a, b in runs), default=0)
    finds = sorted(path.name for path in folder.glob("*-*") if path.is_file())
    print(f"{name}: {count} executions in {seconds} s; {len(finds)} finds", *finds, f"({folder})", flush=True)
    if done.returncode:
        print(text[-3000:], flush=True)
    return int(bool(done.returncode or finds))


def _fuzz(name: str, seconds: int, folder: Path) -> None:
    """Does not come back: libFuzzer ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["imgmove"]):
        target = _targets()[name]
    seeds = importlib.import_module("tests.fuzz.seeds")
    for number, seed in enumerate(seeds.SEEDS[name]()):
        (folder / "corpus" / f"seed{number:04}").write_bytes(seed)
    dictionary = folder / "words"
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in seeds.WORDS)
    dictionary.write_text("".join(f'"{line}"\n' for line in lines))
    options = [
        f"-max_total_time={seconds}", f"-rss_limit_mb={_MEMORY_MIB}", f"-timeout={_ONE_INPUT_SECONDS}",
        f"-max_len={_LONGEST_BYTES}", f"-artifact_prefix={folder}/", f"-dict={dictionary}", "-print_final_stats=1",
        str(folder / "corpus"),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
