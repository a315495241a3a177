"""Operating systems: from what people and other clouds call them to what the service's own list offers (2.1, 2.2)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from imgmove.clouds.tencent import answers
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import OsChoice

OTHER_LINUX: Final = "Other Linux"
NO_VERSION: Final = "-"

#: How a name may begin, in lower case without digits and signs, and the family that it then belongs to.
_BEGINNINGS: Final = {
    "centos": "centos", "centosstream": "centosstream", "ubuntu": "ubuntu", "debian": "debian",
    "opensuse": "opensuse", "suse": "suse", "sles": "suse", "coreos": "coreos", "flatcar": "coreos",
    "fedora": "fedora", "fedoracoreos": "fedoracoreos", "freebsd": "freebsd", "redhat": "redhat", "rhel": "redhat",
    "rocky": "rocky", "alma": "alma", "kylin": "kylin", "neokylin": "kylin", "uos": "uniontech",
    "uniontech": "uniontech", "tencentos": "tencentos", "tlinux": "tencentos", "opencloudos": "opencloudos",
    "openeuler": "openeuler", "anolis": "anolis", "openanolis": "anolis", "win": "windows", "windows": "windows",
    "linux": "otherlinux", "otherlinux": "otherlinux", "otherslinux": "otherlinux", "other": "otherlinux",
    "others": "otherlinux", "customizedlinux": "otherlinux",
}  # fmt: skip
_VERSION: Final = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True)
class OsEntry:
    """One operating system of the service's list."""

    name: str
    versions: tuple[str, ...] = ()
    family: str = "linux"
    architectures: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return _kind(self.name)

    @property
    def own_version(self) -> str:
        """The version in the name itself (`Windows Server 2019`), empty for most."""
        return _version_in(self.name)


@dataclass(frozen=True)
class OsMatch:
    """What an import is to say."""

    os_type: str
    os_version: str
    notes: tuple[str, ...] = field(default=())


def catalogue(response: Mapping[str, Any]) -> tuple[OsEntry, ...]:
    """The list of DescribeImportImageOs; fields that are missing or null are empty. The service gives two lists."""
    supported = answers.child(response, "ImportImageOsListSupported")
    families = {name: family for family in ("Windows", "Linux") for name in answers.texts(supported, family)}
    entries: dict[str, OsEntry] = {}
    for item in answers.objects(response, "ImportImageOsVersionSet"):
        name = answers.text(item, "OsName")
        known = entries.get(name, OsEntry(name, family=_family(name, families)))
        versions = dict.fromkeys((*known.versions, *answers.texts(item, "OsVersions")))
        entries[name] = replace(known, versions=tuple(versions), architectures=answers.texts(item, "Architecture"))
    for name in families:
        entries.setdefault(name, OsEntry(name, family=_family(name, families)))
    return tuple(entry for entry in entries.values() if entry.name)


def has_list(response: Mapping[str, Any]) -> bool:
    """Is it an answer of DescribeImportImageOs at all? Its lists may be null, but not both may be missing."""
    return "ImportImageOsListSupported" in response or "ImportImageOsVersionSet" in response


def unless_closed(listed: Callable[[], tuple[OsEntry, ...]]) -> tuple[OsEntry, ...]:
    """The list, empty where it may not be asked for: the service then judges the words as they are."""
    try:
        return listed()
    except ImgmoveError as error:
        if error.kind not in {Kind.DENIED, Kind.UNSUPPORTED}:
            raise
        return ()


def choices(entries: Iterable[OsEntry]) -> list[OsChoice]:
    return [OsChoice(entry.name, entry.versions, entry.family, entry.architectures) for entry in entries]


def resolve(entries: Sequence[OsEntry], os_type: str, os_version: str, *, force: bool) -> OsMatch:
    """What the service calls `os_type` (`Debian`, `ubuntu-22.04`, `windows 2019`) with `os_version`.

    Without a name `Other Linux` is taken, with a note. INVALID, listing what is offered, for what is not. A service
    whose list is empty gets the words as they are.
    """
    name, version = os_type.strip(), os_version.strip()
    if not name:
        return _unnamed(entries, version, force=force)
    if not entries:
        return OsMatch(name, version or NO_VERSION)
    wanted = version if version not in {"", NO_VERSION} else _version_in(name)
    same = [entry for entry in entries if entry.name.casefold() == name.casefold()]
    candidates = same or [entry for entry in entries if entry.kind == _kind(name)]
    named = [entry for entry in candidates if entry.own_version]
    for entry in same or [entry for entry in named if _same_version(entry.own_version, wanted)]:
        if entry.own_version:
            return OsMatch(entry.name, _version_beside(entry, version))
    plain = [entry for entry in candidates if not entry.own_version]
    for entry in plain:
        return OsMatch(entry.name, _version_of(entry, wanted))
    raise _unknown(name, wanted, entries, named)


def _unnamed(entries: Sequence[OsEntry], version: str, *, force: bool) -> OsMatch:
    if entries and all(entry.kind != "otherlinux" for entry in entries):
        raise _unknown("", version, entries, [])
    entry = next((entry for entry in entries if entry.kind == "otherlinux"), OsEntry(OTHER_LINUX))
    notes = [f"without --os-type the image is imported as {entry.name!r}"]
    if not force:
        notes.append("cloud-init has to be in it, unless --force; with --force the cloud may not be able to set "
                     "password, keys, host name and network")  # fmt: skip
    return OsMatch(entry.name, version or NO_VERSION, tuple(notes))


def _version_beside(entry: OsEntry, version: str) -> str:
    """The version to say for an entry that has one in its name."""
    if version in entry.versions:
        return version
    return entry.versions[0] if entry.versions else NO_VERSION


def _version_of(entry: OsEntry, wanted: str) -> str:
    """The offered version that is `wanted`, or that it belongs to (`7` for `7.9`, `22.04` for `22`)."""
    offered = entry.versions
    if not offered or offered == (NO_VERSION,):
        return wanted if wanted and not offered else NO_VERSION
    if not wanted:
        if len(offered) == 1 or NO_VERSION in offered:
            return NO_VERSION if NO_VERSION in offered else offered[0]
        raise _wrong_version(f"which version of {entry.name}?", entry, "")
    fitting = [item for item in offered if _same_version(item, wanted)]
    if not fitting:
        if NO_VERSION in offered:
            return NO_VERSION
        raise _wrong_version(f"{entry.name} {wanted} is not offered", entry, wanted)
    return max(fitting, key=lambda item: (item == wanted, _numbers(item)))


def _same_version(offered: str, wanted: str) -> bool:
    """Is one the other, or the beginning of the other?"""
    ours, theirs = _numbers(wanted), _numbers(offered)
    shorter = min(len(ours), len(theirs))
    return shorter > 0 and ours[:shorter] == theirs[:shorter]


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.search(version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _version_in(name: str) -> str:
    found = _VERSION.search(name)
    return found.group() if found else ""


def _kind(name: str) -> str:
    """The family of a name, by its beginning; names that nobody knows are families of their own."""
    folded = re.sub(r"[^a-z]", "", _VERSION.split(name.lower(), maxsplit=1)[0])
    beginning = max((start for start in _BEGINNINGS if folded.startswith(start)), key=len, default="")
    return _BEGINNINGS.get(beginning, folded)


def _family(name: str, families: Mapping[str, str]) -> str:
    return "windows" if families.get(name) == "Windows" or _kind(name) == "windows" else "linux"


def _wrong_version(problem: str, entry: OsEntry, wanted: str) -> ImgmoveError:
    near = difflib.get_close_matches(wanted, entry.versions, n=1, cutoff=0.3)
    meant = f"the nearest is {near[0]}; " if near else ""
    return ImgmoveError(
        Kind.INVALID, problem, code="InvalidImageOsVersion.Unsupported",
        hint=f"{meant}--os-version takes {', '.join(entry.versions)}; for others use --os-type '{OTHER_LINUX}'",
    )  # fmt: skip


def _unknown(name: str, wanted: str, entries: Sequence[OsEntry], named: Sequence[OsEntry]) -> ImgmoveError:
    listed = [entry.name for entry in entries]
    near = [entry.name for entry in named] or difflib.get_close_matches(name, listed, n=1, cutoff=0.5)
    meant = f"the nearest is {near[0]!r}; " if near else ""
    problem = f"{name if wanted in name else f'{name} {wanted}'} is not offered" if name else "the system has no name"
    return ImgmoveError(
        Kind.INVALID, problem, code="InvalidImageOsType.Unsupported", hint=f"{meant}--os-type takes {', '.join(listed)}"
    )
