"""The parent's half of the conversation: reads ranges for the reader, takes what it finds, believes nothing unseen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.guest.facts import GuestFacts
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.reading import wire
from imgmove.images.reading.child import ReaderEndedError, ReaderProcess
from imgmove.images.reading.inspection import Cost, Inspection, Trouble, TroubleKind
from imgmove.images.reading.source import ImageSource

_WORDS_LENGTH = 500


@dataclass
class Conversation:
    """One look, from its task to its end. `found` says at any time what is known so far."""

    process: ReaderProcess
    source: ImageSource
    task: wire.Task
    answer_bytes: int
    progress: Callable[[int, int], None] | None = None
    _layout: DiskLayout | None = None
    _facts: GuestFacts | None = None
    _trouble: list[Trouble] = field(default_factory=list)
    _read_bytes: int = 0
    _requests: int = 0
    _fetch_seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def hold(self) -> None:
        """Go on until the reader says that it has done, or is ended: that is noted, not raised."""
        try:
            self.process.send(wire.frame(wire.TASK, msgspec.json.encode(self.task)))
            while self._answer(*self._next()):
                pass
        except ReaderEndedError as error:
            self._trouble.append(error.trouble)

    def found(self) -> Inspection:
        is_stream = self.task.disk_format is DiskFormat.RAW_TAR_GZ
        seconds = time.monotonic() - self._began
        cost = Cost(self._read_bytes, self._requests, self._fetch_seconds, seconds, is_stream)
        return Inspection(self._layout, self._facts, tuple(self._trouble), cost)

    def _next(self) -> tuple[bytes, bytes]:
        kind, length = wire.HEADER.unpack(self.process.receive(wire.HEADER.size))
        if length > self._allowed(kind):
            _nonsense(f"{length} bytes of {kind!r}")
        return kind, self.process.receive(length)

    def _allowed(self, kind: bytes) -> int:
        """Most bytes that a payload may have; what is no word of the reader may have none."""
        return {
            wire.READ: wire.RANGE.size,
            wire.LAYOUT: self.answer_bytes,
            wire.FACTS: self.answer_bytes,
            wire.TROUBLE: wire.MAX_TROUBLE_BYTES,
        }.get(kind, 0)

    def _answer(self, kind: bytes, payload: bytes) -> bool:
        """Do what a word asks for; False after the last one."""
        if kind == wire.READ:
            self._read(payload)
            return True
        self._spend(len(payload))
        if kind == wire.LAYOUT:
            self._layout = _decoded(payload, DiskLayout)
        elif kind == wire.FACTS:
            self._facts = _decoded(payload, GuestFacts)
        elif kind == wire.TROUBLE:
            self._note(_decoded(payload, Trouble))
        elif kind != wire.END:
            _nonsense(f"a word {kind!r}")
        return kind != wire.END

    def _spend(self, length: int) -> None:
        """All answers together stay below the bound, each taking some of it."""
        self.answer_bytes -= max(length, 64)
        if self.answer_bytes < 0:
            _nonsense("answers without end")

    def _note(self, trouble: Trouble) -> None:
        if len(self._trouble) < wire.MAX_TROUBLES:
            self._trouble.append(Trouble(trouble.kind, trouble.words[:_WORDS_LENGTH]))

    def _read(self, payload: bytes) -> None:
        if len(payload) != wire.RANGE.size:
            _nonsense("half a range")
        offset, length = wire.RANGE.unpack(payload)
        if not 0 < length <= wire.MAX_RANGE_BYTES or offset + length > self.source.size_bytes:
            _nonsense(f"a wish for {length} bytes at {offset}")
        if self._requests >= self.task.requests or self._read_bytes + length > self.task.read_bytes:
            raise ReaderEndedError(TroubleKind.READS, "the image sends its reader to more places than a look may take")
        self.process.check_time()
        self.process.send(wire.frame(wire.DATA, self._fetched(offset, length)))

    def _fetched(self, offset: int, length: int) -> bytes:
        began = time.monotonic()
        try:
            data = self.source.read(offset, length)
        finally:
            self._fetch_seconds += time.monotonic() - began
        if len(data) != length:
            raise ImgmoveError(
                Kind.CORRUPT,
                f"{self.source.name} is cut off: of {length} bytes at {offset} there are {len(data)}",
                code="TruncatedImage", hint="copy or upload it again, and compare the sizes",
            )  # fmt: skip
        self._requests += 1
        self._read_bytes += length
        if self.progress is not None:
            self.progress(self._read_bytes, self._requests)
        return data


def _nonsense(what: str) -> NoReturn:
    raise ReaderEndedError(TroubleKind.PROTOCOL, f"the reader sent {what}: the image may have taken it over")


def _decoded(payload: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(payload, type=kind, strict=True)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ReaderEndedError(
            TroubleKind.PROTOCOL, "the reader sent what cannot be understood: the image may have taken it over"
        ) from error
