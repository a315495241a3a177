"""What a source's image says of its guest, in the destination's words."""

import pytest

from imgmove.app.guest import guest_of
from imgmove.core.requests import Architecture, BootMode
from imgmove.core.tasks import Image, OsChoice

CHOICES = (
    OsChoice("CentOS", ("6", "7")), OsChoice("Debian", ("10", "11", "12")), OsChoice("Ubuntu", ("20.04", "22.04")),
    OsChoice("Rocky Linux", ("8", "9")), OsChoice("Other Linux", ("-",)), OsChoice("Windows", ("2019", "2022"), "windows"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Debian  12.0 64 bit", ("Debian", "12")),
        ("CentOS 7.9 64位", ("CentOS", "7")),
        ("Ubuntu Server 22.04 LTS 64bit", ("Ubuntu", "22.04")),
        ("Rocky Linux 9.2", ("Rocky Linux", "9")),
        ("Windows Server 2022 Datacenter 64 bit", ("Windows", "2022")),
        ("Gentoo", ("", "")),
        ("", ("", "")),
    ],
)
def test_systems(name: str, expected: tuple[str, str]) -> None:
    guest = guest_of(Image("i", "n", "s", os=name), CHOICES, (BootMode.BIOS,))
    assert (guest.os_type, guest.os_version) == expected


NEAR = (
    OsChoice("CentOS", ("7", "8")), OsChoice("CentOS Stream", ("8", "9")), OsChoice("SUSE", ("15",)),
    OsChoice("OpenSUSE", ("15",)), OsChoice("RedHat", ("8",), beginnings=("redhat", "rhel")),
    OsChoice("Others Linux", beginnings=("otherslinux", "otherlinux", "tencentos", "uniontechos")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TencentOS Server 3.1 (TK4)", "Others Linux"), ("openSUSE Leap 15.4 64位", "OpenSUSE"),
        ("SUSE Linux Enterprise Server 15 SP4", "SUSE"), ("CentOS Stream 9 64bit", "CentOS Stream"),
        ("Red Hat Enterprise Linux 8.5", "RedHat"), ("RHEL 8", "RedHat"), ("UnionTech OS Server 20", "Others Linux"),
        ("MyCentOS", ""),
    ],
)  # fmt: skip
def test_names_that_lie_near_each_other(name: str, expected: str) -> None:
    assert guest_of(Image("i", "n", "s", os=name), NEAR, ()).os_type == expected


def test_a_version_that_is_part_of_the_type() -> None:
    """Tencent: each Windows is a type by itself, and what it calls its versions says nothing."""
    choices = tuple(OsChoice(f"Windows Server {year}", ("-", "9"), "windows") for year in (2012, 2019, 2022))
    guest = guest_of(Image("i", "n", "s", os="Windows Server 2019 Datacenter 64 bit"), choices, ())
    assert (guest.os_type, guest.os_version, guest.notes) == ("Windows Server 2019", "-", ())
    assert guest_of(Image("i", "n", "s", os="Windows Server 2025"), choices, ()).notes


def test_what_is_not_offered_is_said() -> None:
    assert guest_of(Image("i", "n", "s", os="Gentoo"), CHOICES, ()).notes
    assert guest_of(Image("i", "n", "s", os="Debian 13"), CHOICES, ()).notes == (
        "the destination offers Debian 12 for Debian 13",
    )


def test_architecture_boot_mode_and_licence() -> None:
    details = {"architecture": "arm", "boot_mode": "UEFI-Preferred", "os_type": "windows"}
    guest = guest_of(Image("i", "n", "s", os="Windows 2019", details=details), CHOICES, (BootMode.BIOS, BootMode.UEFI))
    assert (guest.architecture, guest.boot_mode, guest.license) == (Architecture.ARM64, BootMode.UEFI, "BYOL")
    assert guest_of(Image("i", "n", "s", details={"boot_mode": "UEFI"}), CHOICES, (BootMode.BIOS,)).boot_mode is None
