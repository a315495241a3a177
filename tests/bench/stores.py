"""The bench's object stores: built from store.c, started on loopback, ended when nobody needs them."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.request import Request, urlopen

_SOURCE = Path(__file__).parent / "store.c"


class NoCompilerError(RuntimeError):
    """The stores cannot be built here: the message says what is missing."""


@dataclass(frozen=True)
class Store:
    """One store that runs. `certificate` is what clients have to trust, None for plain HTTP."""

    port: int
    certificate: Path | None

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def crc64(self) -> str:
        """The CRC-64 that the store reports of what it holds, in decimal."""
        with self.open("b/k", method="HEAD") as answer:
            return str(answer.headers["x-oss-hash-crc64ecma"])

    def log(self) -> list[str]:
        """The requests since the last time, as `METHOD TARGET`."""
        with self.open("-/log") as answer:
            return str(answer.read().decode()).splitlines()

    def reset(self) -> None:
        """Forget what was written."""
        with self.open("-/reset"):
            pass

    def open(self, path: str, body: bytes | None = None, *, method: str = "GET") -> HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.certificate)) if self.certificate else None
        request = Request(f"{self.url}/{path}", body, method=method)
        answer: HTTPResponse = urlopen(request, timeout=30, context=context)
        return answer


@dataclass(frozen=True)
class Line:
    """What a connection carries, and how long every answer takes to come; zeros for no limit."""

    bytes_per_second: int = 0
    delay_ms: int = 0


class Stores:
    """Builds stores into `folder`, and starts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self, *, tls: bool) -> Path:
        """The program, compiled anew where the source is newer. Raises NoCompilerError."""
        program = self._folder / ("store-tls" if tls else "store")
        if program.exists() and program.stat().st_mtime > _SOURCE.stat().st_mtime:
            return program
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise NoCompilerError("the bench needs a C compiler (cc)")
        libraries = ["-DTLS", "-lssl", "-lcrypto"] if tls else []
        words = [compiler, "-O2", "-o", str(program), str(_SOURCE), "-lpthread", *libraries]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoCompilerError(f"store.c cannot be built (for TLS: OpenSSL's headers?): {done.stderr[-500:]}")
        return program

    def certificate(self) -> tuple[Path, Path]:
        """A self-signed certificate of 127.0.0.1 and its key, made with the openssl command."""
        certificate, key = self._folder / "certificate.pem", self._folder / "key.pem"
        if not certificate.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "3650", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", str(key), "-out", str(certificate)],
                capture_output=True, check=True,
            )  # fmt: skip
        return certificate, key

    @contextmanager
    def running(
        self, *, size_bytes: int | None = None, file: Path | None = None, crc64: str = "", tls: bool = False,
        line: Line | None = None,
    ) -> Iterator[Store]:  # fmt: skip
        """A store whose every key holds `size_bytes` of noise or the bytes of `file`; without either an empty one.

        An empty store drops what it is given; with `crc64` it claims that this was its CRC-64.
        """
        words = [str(self.build(tls=tls))]
        if file is not None:
            words += ["--file", str(file)]
        elif size_bytes is not None:
            words += ["--size", str(size_bytes)]
        if crc64:
            words += ["--crc", crc64]
        if line is not None:
            words += ["--rate", str(line.bytes_per_second), "--delay", str(line.delay_ms)]
        certificate = None
        if tls:
            certificate, key = self.certificate()
            words += ["--cert", str(certificate), "--key", str(key)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield Store(int(process.stdout.readline()), certificate)
            finally:
                process.stdin.close()
