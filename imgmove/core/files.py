"""Files as ends of a copy: what the file store and the movers of bytes, which may run elsewhere, have to agree on."""

from __future__ import annotations

from typing import Final

#: Header of a signed write: the log in which the writer of a part notes that it is whole.
PART_LOG_HEADER: Final = "x-imgmove-part-log"
#: Header of a signed read: the ETag that the file must have.
FILE_ETAG_HEADER: Final = "x-imgmove-file-etag"

#: Header of a refusal: the name of the operating system's error (`ENOSPC`); the body is its text.
FILE_ERROR_HEADER: Final = "x-imgmove-file-error"
FILE_ERROR_STATUS: Final = 500


def file_etag(inode: int, size_bytes: int, modified_ns: int) -> str:
    """What tells a file from another one, and from itself after a change."""
    return f"{inode:x}-{size_bytes:x}-{modified_ns:x}"


def part_log_line(number: int, length: int, crc64: int | None) -> str:
    """The note that a part is whole; `-` where nobody computed its CRC."""
    return f"{number} {length} {'-' if crc64 is None else crc64}\n"


def read_part_log(text: str) -> dict[int, tuple[int, int | None]]:
    """Length in bytes and CRC of each part that a log names; a torn line, of a machine that died, does not count."""
    found: dict[int, tuple[int, int | None]] = {}
    for line in text.splitlines(keepends=True):
        words = line.split()
        if not line.endswith("\n") or len(words) != 3 or not all(_is_number(word) for word in words[:2]):
            continue
        if words[2] == "-" or _is_number(words[2]):
            found[int(words[0])] = int(words[1]), None if words[2] == "-" else int(words[2])
    return found


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()
