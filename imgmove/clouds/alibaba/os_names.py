"""Operating systems: from what people and other clouds call them to ECS's `Platform` and `OSType` (alibaba.md 2.2)."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.tasks import OsChoice

LINUX: Final = "linux"
WINDOWS: Final = "windows"
_OTHER_LINUX: Final = "Others Linux"
_OTHER_WINDOWS: Final = "Other Windows"

WINDOWS_YEARS: Final = ("2022", "2019", "2016", "2012", "2008", "2003")
LINUX_PLATFORMS: Final = (
    "Aliyun", "Anolis", "CentOS", "Ubuntu", "CoreOS", "SUSE", "Debian", "OpenSUSE", "FreeBSD", "RedHat", "Kylin",
    "UOS", "Fedora", "Fedora CoreOS", "CentOS Stream", "AlmaLinux", "Rocky Linux", "Gentoo", "Customized Linux",
    _OTHER_LINUX,
)  # fmt: skip
_WINDOWS_ARCHITECTURES: Final = ("x86_64", "i386")
PLATFORMS: Final = (*LINUX_PLATFORMS, *(f"Windows Server {year}" for year in WINDOWS_YEARS), _OTHER_WINDOWS)

#: How a name may begin, in lower case and without signs, and the platform that it then means. The longest fits first.
_BEGINNINGS: Final = {
    **{re.sub(r"[^a-z]", "", name.lower()): name for name in LINUX_PLATFORMS},
    "alibabacloudlinux": "Aliyun", "alinux": "Aliyun", "openanolis": "Anolis", "alma": "AlmaLinux",
    "rocky": "Rocky Linux", "redhatenterpriselinux": "RedHat", "rhel": "RedHat", "sles": "SUSE",
    "suselinuxenterprise": "SUSE", "flatcar": "CoreOS", "kylinos": "Kylin", "neokylin": "Kylin",
    "uniontech": "UOS", "linux": _OTHER_LINUX, "other": _OTHER_LINUX, "others": _OTHER_LINUX,
    "otherlinux": _OTHER_LINUX, "tencentos": _OTHER_LINUX, "opencloudos": _OTHER_LINUX, "openeuler": _OTHER_LINUX,
    "oracle": _OTHER_LINUX, "amazon": _OTHER_LINUX, "arch": _OTHER_LINUX, "alpine": _OTHER_LINUX,
    "nixos": _OTHER_LINUX, "tlinux": _OTHER_LINUX, "euleros": _OTHER_LINUX,
    "customized": "Customized Linux", "custom": "Customized Linux",
}  # fmt: skip


@dataclass(frozen=True)
class EcsOs:
    """`platform` is empty where the caller named no system: ECS then takes `Others Linux`."""

    platform: str = ""
    os_type: str = ""
    notes: tuple[str, ...] = ()


def ecs_os(os_type: str, os_version: str = "") -> EcsOs:
    """What ECS calls `os_type` (`Ubuntu`, `centos 7.9`, `Windows Server 2019 …`) with `os_version`.

    INVALID with near names for one that is not known. ECS knows versions of Windows Server alone.
    """
    name = os_type.strip()
    if not name:
        return EcsOs()
    folded = re.sub(r"[^a-z]", "", name.lower())
    if folded.startswith("win") or folded == "otherwindows":
        return _windows(name, os_version)
    beginning = max((start for start in _BEGINNINGS if folded.startswith(start)), key=len, default="")
    if not beginning:
        raise _unknown(name)
    notes = (f"ECS takes no version of {_BEGINNINGS[beginning]}: {os_version} is left out",) if os_version else ()
    return EcsOs(_BEGINNINGS[beginning], LINUX, notes)


def _windows(name: str, os_version: str) -> EcsOs:
    year = next((year for year in WINDOWS_YEARS if year in f"{name} {os_version}"), "")
    if year:
        return EcsOs(f"Windows Server {year}", WINDOWS)
    return EcsOs(_OTHER_WINDOWS, WINDOWS)


def _unknown(name: str) -> ImgmoveError:
    near = difflib.get_close_matches(name, PLATFORMS, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return ImgmoveError(
        Kind.INVALID, f"ECS knows no operating system {name!r}", code="UnknownOs",
        hint=f"{meant}for others use --os-type 'Others Linux'; ECS knows {', '.join(PLATFORMS)}",
    )  # fmt: skip


def choices() -> tuple[OsChoice, ...]:
    """Everything that ImportImage may name. The newest version is last: the nearest to one that is not offered yet."""
    return (
        *(OsChoice(name, family=LINUX, beginnings=_beginnings_of(name)) for name in LINUX_PLATFORMS),
        OsChoice("Windows Server", versions=tuple(sorted(WINDOWS_YEARS)), family=WINDOWS,
                 architectures=_WINDOWS_ARCHITECTURES, beginnings=("windowsserver",)),
        OsChoice(_OTHER_WINDOWS, family=WINDOWS, architectures=_WINDOWS_ARCHITECTURES,
                 beginnings=("otherwindows", "win")),
    )  # fmt: skip


def _beginnings_of(platform: str) -> tuple[str, ...]:
    return tuple(beginning for beginning, meant in _BEGINNINGS.items() if meant == platform)
