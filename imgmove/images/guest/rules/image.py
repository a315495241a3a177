"""G01: the file is what it says, refers to nothing else, and can be read. What the guard and the reader met, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, Severity
from imgmove.images.guest.rules.catalogue import Case, Hit, Rule, Target, Unseen, finding_of
from imgmove.images.guest.rules.guest import Guest
from imgmove.images.reading.inspection import Trouble, TroubleKind

_FOREIGN: Final = "whoever reads such an image reads other files with it: of the importer's machine, or nothing at all"
_UNREADABLE: Final = "an importer reads the same bytes, and fails on them, or sees another disk than you do"

#: The guard's codes: the case, and why it is refused.
_GUARD: Final[Mapping[str, tuple[str, str]]] = {
    "FormatMismatch": ("format-mismatch", "the importer reads it by what it is said to be, and sees rubbish"),
    "AmbiguousFormat": (
        "ambiguous-format",
        "two programs that read it see two different disks: a known way to smuggle files",
    ),
    "NotAnImage": ("not-an-image", "no service can import it"),
    "BackingFile": ("backing-file", _FOREIGN),
    "ExternalData": ("external-data", _FOREIGN),
    "DifferencingDisk": ("differencing-disk", "its parent does not come along: most of the disk is missing"),
    "ForeignExtents": ("foreign-extents", _FOREIGN),
    "EncryptedImage": ("encrypted-image", "no importer has the key"),
    "AbsurdHeader": ("absurd-header", _UNREADABLE),
    "UnknownFeatures": ("unknown-features", _UNREADABLE),
    "TruncatedImage": ("truncated-image", "the end of the disk is missing: it will not start, or lose data silently"),
    "DamagedImage": ("damaged-image", _UNREADABLE),
    "TooLarge": ("size-bomb", "no service takes a disk of this size, and whatever unpacks it is in danger"),
}
#: Codes of archives that say the same.
_SAME: Final = {
    "DamagedGzip": "DamagedImage", "DamagedTar": "DamagedImage", "TruncatedGzip": "TruncatedImage",
    "TruncatedTar": "TruncatedImage",
    "NotAPlainFile": "ForeignExtents", "AbsurdName": "AbsurdHeader",
}  # fmt: skip
_OTHER_REFUSAL: Final = "refused"

#: What the reader met: the case, its severity, what it means, what to do.
_READER: Final[Mapping[TroubleKind, tuple[str, Severity, str, str]]] = {
    TroubleKind.CRASHED: (
        "reader-crashed", Severity.BLOCK, "a file system that breaks its reader is damaged, or made to break readers",
        "check it where it came from (`fsck -n`, `xfs_repair -n`, `chkdsk`) and export again; if you trust the "
        "image, go on with --force",
    ),
    TroubleKind.MEMORY: (
        "reader-out-of-memory", Severity.BLOCK, "no sound disk needs that much to be looked at",
        "check its file systems where it came from and export again; if you trust the image, go on with --force",
    ),
    TroubleKind.TIME: (
        "reader-out-of-time", Severity.BLOCK, "no sound disk takes that long: it leads its reader in circles, or the store is "
        "very slow", "try once more; then check its file systems where it came from, or go on with --force",
    ),
    TroubleKind.READS: (
        "reader-too-many-reads", Severity.BLOCK, "its tables send the reader to more places than a sound disk has",
        "check its file systems where it came from and export again; if you trust the image, go on with --force",
    ),
    TroubleKind.PROTOCOL: (
        "reader-taken-over", Severity.BLOCK, "the reader said what it never says: the image has got it under control",
        "do not import it anywhere; keep the image and report it to us and to libyal as a security matter",
    ),
    TroubleKind.UNREADABLE: (
        "reader-unreadable", Severity.BLOCK, _UNREADABLE, "compare its checksum with the source, copy or export it again",
    ),
    TroubleKind.FACTS: (
        "reader-facts", Severity.WARN, "the disk's layout is known, the guest's files are not: nothing is said about them",
        "check its file systems where it came from; nothing speaks against trying the import",
    ),
}  # fmt: skip


def _guard_case(name: str, why: str) -> Case:
    return Case(
        name, Severity.BLOCK, "{message}", why, "{hint}", "field.md 4.5; contract, exit code 7", 7, waivable=False
    )


def _reader_case(kind: TroubleKind) -> Case:
    name, severity, why, fix = _READER[kind]
    waivable = kind is not TroubleKind.PROTOCOL
    what = "the guest's files" if kind is TroubleKind.FACTS else "the disk"
    return Case(name, severity, what + " could not be looked at: {words}", why, fix, "field.md 4.5", 7, waivable)


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    """Nothing in a layout breaks it: whoever has one has passed the guard."""
    del guest
    yield from ()


G01: Final = Rule(
    id="G01",
    title="The file is what it says, stands alone, and can be read",
    looks_at="the image's header, the files it names, its sizes; and how its reader fared",
    cases=(
        *(_guard_case(name, why) for name, why in _GUARD.values()),
        _guard_case(_OTHER_REFUSAL, _UNREADABLE),
        *(_reader_case(kind) for kind in _READER),
    ),
    look=_look,
    systems=frozenset(),
)


def refusal_finding(error: ImgmoveError, about: str = "") -> Finding:
    """The guard's refusal (CORRUPT) as a finding of G01; `about` is the image's name."""
    case = _GUARD.get(_SAME.get(error.code, error.code), (_OTHER_REFUSAL, ""))[0]
    values = {"message": error.message, "hint": error.hint or "look at the image where it came from"}
    finding = finding_of(G01, Hit(case, about, values), Target(""))
    assert finding is not None  # noqa: S101 - cases of G01 concern every destination
    return replace(finding, code=error.code)


def trouble_hits(trouble: tuple[Trouble, ...]) -> list[Hit]:
    """The reader's troubles, as cases of G01."""
    unknown = _READER[TroubleKind.UNREADABLE]
    return [Hit(_READER.get(item.kind, unknown)[0], "image", {"words": item.words}) for item in trouble]
