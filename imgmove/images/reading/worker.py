"""The reader: a process that has nothing but two pipes. It asks for ranges of an image, and says what it found."""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO, NoReturn

import msgspec

from imgmove.images.guest.collect import collect
from imgmove.images.reading import wire
from imgmove.images.reading.confinement import confine
from imgmove.images.reading.containers import open_container
from imgmove.images.reading.device import DeviceError, ReadsSpentError
from imgmove.images.reading.guest_tree import find_guest
from imgmove.images.reading.inspection import Trouble, TroubleKind
from imgmove.images.reading.pages import Pages
from imgmove.images.reading.survey import survey


class Parent:
    """The other end of the pipes."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink

    def receive(self, kind: bytes) -> bytes:
        found, length = wire.HEADER.unpack(self._exactly(wire.HEADER.size))
        if found != kind:
            raise SystemExit(1)
        return self._exactly(length)

    def fetch(self, offset: int, length: int) -> bytes:
        self._send(wire.frame(wire.READ, wire.RANGE.pack(offset, length)))
        return self.receive(wire.DATA)

    def say(self, kind: bytes, found: Any) -> None:
        self._send(wire.frame(kind, msgspec.json.encode(found)))

    def trouble(self, kind: TroubleKind, words: str) -> None:
        self.say(wire.TROUBLE, Trouble(kind, words.encode("utf-8", "replace").decode()[:1000]))

    def end(self) -> None:
        self._send(wire.frame(wire.END))

    def _send(self, data: bytes) -> None:
        self._sink.write(data)
        self._sink.flush()

    def _exactly(self, length: int) -> bytes:
        data = self._source.read(length)
        if len(data) != length:  # the parent is gone
            raise SystemExit(1)
        return data


def main() -> NoReturn:
    """Run by `imgmove.images.reading.child`, and by nobody else."""
    parent = take_pipes()
    try:
        task = msgspec.json.decode(parent.receive(wire.TASK), type=wire.Task)
        confine(task)
        look(parent, task)
        parent.end()
    except MemoryError:
        os._exit(wire.MEMORY_EXIT)
    os._exit(0)


def take_pipes() -> Parent:
    """The pipes, taken away from where C code would print to."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return Parent(source, sink)


def look(parent: Parent, task: wire.Task) -> None:
    """The layout, said as soon as it is known, then the facts. What stops it is said as trouble."""
    pages = Pages(task.size_bytes, parent.fetch, task.read_bytes, task.requests)
    try:
        _look(parent, task, pages)
    except DeviceError as error:
        parent.trouble(TroubleKind.UNREADABLE, str(error))
    except ReadsSpentError:
        pass
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours, met by an image that nobody thought of
        parent.trouble(TroubleKind.FACTS, f"the reader met what it does not know: {type(error).__name__}: {error}")
    if pages.spent:
        parent.trouble(TroubleKind.READS, "the image sends its reader to more places than a look may take")


def _look(parent: Parent, task: wire.Task, pages: Pages) -> None:
    disk = open_container(task.disk_format, pages)
    found = survey(disk, task.disk_format, task.size_bytes)
    parent.say(wire.LAYOUT, found.layout)
    guest = find_guest(found)
    if guest.layout != found.layout:
        parent.say(wire.LAYOUT, guest.layout)
    parent.say(wire.FACTS, collect(guest.layout, guest.tree, guest.root_where, guest.others))


if __name__ == "__main__":
    sys.exit("this is run by imgmove")
