"""Which system a guest is: name and version, architecture, what starts it, how packages are installed."""

from __future__ import annotations

import re
import struct
from typing import Final

from imgmove.images.guest.collect.text_files import assignments, exists, first_existing, read_text
from imgmove.images.guest.facts import OperatingSystem, bounded
from imgmove.images.guest.files import FileTree

_RELEASE_FILES: Final = ("/etc/os-release", "/usr/lib/os-release")
#: Older systems: the file, the pattern of name and version, the id (empty: the first word of the name).
_OLD_RELEASES: Final = (
    ("/etc/redhat-release", re.compile(r"(?P<name>.+?)\s+release\s+(?P<version>[\d.]+)"), ""),
    ("/etc/SuSE-release", re.compile(r"(?P<name>SUSE[^\n(]*?)\s+(?P<version>[\d.]+)"), "sles"),
    ("/etc/alpine-release", re.compile(r"(?P<name>)(?P<version>[\d.]+)"), "alpine"),
    ("/etc/debian_version", re.compile(r"(?P<name>)(?P<version>[\w./]+)"), "debian"),
)
_PROGRAMS: Final = ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/sbin/init", "/usr/lib/systemd/systemd", "/bin/busybox")
_ELF_MACHINES: Final = {3: "i386", 62: "x86_64", 183: "arm64"}
_WINDOWS_KERNEL: Final = "/Windows/System32/ntoskrnl.exe"
_PE_MACHINES: Final = {0x14C: "i386", 0x8664: "x86_64", 0xAA64: "arm64"}
_PACKAGE_MANAGERS: Final = (
    ("dpkg", ("/var/lib/dpkg/status",)),
    ("rpm", ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/bin/rpm")),
    ("apk", ("/lib/apk/db", "/usr/lib/apk/db")),
    ("pacman", ("/var/lib/pacman",)),
)
_INITS: Final = (
    ("systemd", ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")),
    ("upstart", ("/etc/init/rcS.conf", "/etc/init/rc-sysinit.conf")),
    ("openrc", ("/sbin/openrc", "/sbin/openrc-run", "/usr/bin/openrc")),
    ("sysvinit", ("/etc/inittab",)),
)


def collect_os(tree: FileTree) -> OperatingSystem:
    """The system on `tree`; `kind` stays empty where it is none that we know."""
    if exists(tree, _WINDOWS_KERNEL):
        return OperatingSystem(kind="windows", id="windows", name="Windows", architecture=_pe_machine(tree))
    found = _from_os_release(tree) or _from_old_release(tree)
    is_bsd = found.id == "freebsd" or exists(tree, "/bin/freebsd-version")
    is_linux = bool(found.id) or exists(tree, "/lib/modules") or exists(tree, "/etc/fstab")
    return OperatingSystem(
        kind="freebsd" if is_bsd else "linux" if is_linux else "",
        id=found.id,
        id_like=found.id_like,
        version=found.version,
        name=found.name,
        architecture=_elf_machine(tree),
        init=_first_with(tree, _INITS),
        packages=_first_with(tree, _PACKAGE_MANAGERS),
    )


def _from_os_release(tree: FileTree) -> OperatingSystem | None:
    path = first_existing(tree, _RELEASE_FILES)
    named = {key: mention.value for key, mention in assignments(tree, path).items()} if path else {}
    if not named.get("ID"):
        return None
    name = named.get("PRETTY_NAME") or f"{named.get('NAME', named['ID'])} {named.get('VERSION_ID', '')}".strip()
    return OperatingSystem(
        id=named["ID"].lower(),
        id_like=tuple(named.get("ID_LIKE", "").lower().split()[:8]),
        version=named.get("VERSION_ID", ""),
        name=name,
    )


def _from_old_release(tree: FileTree) -> OperatingSystem:
    for path, pattern, known_id in _OLD_RELEASES:
        match = pattern.search((read_text(tree, path, 4096) or "")[:400])
        if match:
            name = match["name"].strip() or known_id
            own_id = known_id or name.split()[0].lower()
            return OperatingSystem(id=own_id, version=match["version"], name=bounded(f"{name} {match['version']}"))
    return OperatingSystem()


def _first_with(tree: FileTree, table: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return next((name for name, paths in table if first_existing(tree, paths)), "")


def _elf_machine(tree: FileTree) -> str:
    """The architecture of the first program that is one."""
    for path in _PROGRAMS:
        head = tree.read(path, 64) or b""
        if head[:4] == b"\x7fELF" and len(head) >= 20:
            (machine,) = struct.unpack("<H" if head[5] == 1 else ">H", head[18:20])
            return _ELF_MACHINES.get(machine, str(machine))
    return ""


def _pe_machine(tree: FileTree) -> str:
    head = tree.read(_WINDOWS_KERNEL, 4096) or b""
    if head[:2] != b"MZ" or len(head) < 64:
        return ""
    (at,) = struct.unpack("<I", head[60:64])
    if head[at : at + 4] != b"PE\0\0" or len(head) < at + 6:
        return ""
    (machine,) = struct.unpack("<H", head[at + 4 : at + 6])
    return _PE_MACHINES.get(machine, str(machine))
