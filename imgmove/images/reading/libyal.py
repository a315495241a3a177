"""What the libyal readers (libfsext and its family, C code) want and give: file objects, and errors without a kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from imgmove.images.reading.device import Device, DeviceError, ReadsSpentError

#: All that they are known to raise.
_ERRORS: Final = (OSError, ValueError, OverflowError, RuntimeError, TypeError, SystemError, AttributeError)


class DeviceFile:
    """A device as a file object, the way the libyal readers like it. Keep it alive as long as its reader.

    `failure` is what went wrong in it last: on their way through the reader all exceptions become the same OSError.
    """

    def __init__(self, device: Device) -> None:
        self.failure: Exception | None = None
        self._device = device
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._device.read_at(self._position, self._device.size_bytes if size < 0 else size)
        except (DeviceError, ReadsSpentError, MemoryError) as error:
            self.failure = error
            raise
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._device.size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def get_size(self) -> int:
        return self._device.size_bytes


@contextmanager
def reading(what: str, *files: DeviceFile) -> Iterator[None]:
    """Calls into libyal: what goes wrong in there is a DeviceError, "WHAT: the innermost cause".

    ReadsSpentError and MemoryError of the file objects come out as they are.
    """
    for file in files:
        file.failure = None
    try:
        yield
    except _ERRORS as error:
        failure = next((file.failure for file in files if file.failure is not None), None)
        if isinstance(failure, (ReadsSpentError, MemoryError)):
            raise failure from error
        raise DeviceError(f"{what}: {failure or cause(error)}") from error


def cause(error: BaseException) -> str:
    """The innermost cause in a message of libyal: after what failed, it names causes from the inside outwards."""
    sentences = str(error).rstrip(".").split(". ")
    inner = sentences[1] if len(sentences) > 1 else sentences[0]
    _, colon, words = inner.partition(": ")
    return (words if colon else inner)[:200] or type(error).__name__
