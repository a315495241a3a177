"""The world on disk: a directory with `state.json`, the files that it names, and a lock that gives it one sandbox.

`state.json` is written to a file beside it and renamed over it, so that it is whole at any moment. It is written
before the request that changed something is answered: what a client was told survives a SIGKILL.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from imgmove.sandbox.world import SECTIONS

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

SCHEMA = 1
"""Raised by one whenever an older state can't be read any more."""
STATE_FILE = "state.json"
LOCK_FILE = "lock"


class DirectoryError(Exception):
    """A state directory that can't be used: it is taken, or its state can't be read."""


class _Header(msgspec.Struct):
    schema: int


class _ClockState(msgspec.Struct):
    now: float
    speed: float
    frozen: bool
    skew_seconds: float


class DirectoryLock:
    """Holds a state directory for one sandbox, until released or until the process is gone, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_FILE
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Takes the lock. Raises DirectoryError when another sandbox has it."""
        file = self._path.open("ab+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read(32).decode("ascii", "replace").strip()
            file.close()
            where = f"process {owner}" if owner else "another process"
            raise DirectoryError(
                f"{self._path.parent} is in use by another sandbox ({where}); stop that one first"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        self._file = file

    def release(self) -> None:
        """Gives the lock up. Safe to repeat."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Persistence:
    """Keeps one world in its directory. `save` may be called from several threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._path = world.root / STATE_FILE
        self._saving = threading.Lock()
        self._saved_version = -1
        self._type = _state_type(world)

    def load(self) -> bool:
        """Puts what is on disk into the world; False when nothing is. Raises DirectoryError for what it can't read."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return False
        try:
            schema = msgspec.json.decode(raw, type=_Header).schema
            if schema != SCHEMA:
                raise DirectoryError(
                    f"{self._path} has schema {schema}; this version reads {SCHEMA}. Use a new directory"
                )
            state: Any = msgspec.json.decode(raw, type=self._type)
        except msgspec.DecodeError as error:
            raise DirectoryError(f"{self._path} can't be read: {error}") from error
        self._restore(state)
        return True

    def save(self) -> None:
        """Writes the world if it has changed since the last time. When it returns, the state of the call is on disk.

        Calls that come while another one writes share the next write.
        """
        wanted = self._world.version
        if self._saved_version >= wanted:
            return
        with self._saving:
            if self._saved_version >= wanted:
                return
            with self._world.lock:
                version = self._world.version
                raw = msgspec.json.encode(self._snapshot())
            _replace(self._path, raw)
            self._saved_version = version
        self._world.purge(version)

    def _snapshot(self) -> dict[str, object]:
        clock = self._world.clock
        sections = {name: getattr(self._world, name).state for name in SECTIONS}
        clock_state = _ClockState(clock.now(), clock.speed, clock.frozen, clock.skew_seconds)
        return {"schema": SCHEMA, "clock": clock_state, **sections}

    def _restore(self, state: Any) -> None:
        clock = self._world.clock
        clock.advance(max(0.0, state.clock.now - clock.now()))
        clock.speed = state.clock.speed
        clock.skew_seconds = state.clock.skew_seconds
        if state.clock.frozen:
            clock.freeze()
        for name in SECTIONS:
            getattr(self._world, name).state = getattr(state, name)


def _state_type(world: World) -> type[msgspec.Struct]:
    """The type of the whole file, made of the sections' own."""
    sections = [(name, type(getattr(world, name)).State) for name in SECTIONS]
    return msgspec.defstruct("WorldState", [("schema", int), ("clock", _ClockState), *sections])


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
