"""Operating systems: what other clouds call them, and what ECS does."""

from __future__ import annotations

import re

import pytest

from imgmove.clouds.alibaba.os_names import LINUX, PLATFORMS, WINDOWS, choices, ecs_os
from imgmove.core.errors import ImgmoveError, Kind

#: Names of CVM's images and of its list for imports, and ECS's own `OSName`.
NAMES = {
    "CentOS 7.9 64位": "CentOS", "CentOS Stream 9 64bit": "CentOS Stream", "TencentOS Server 3.1 (TK4)": "Others Linux",
    "tlinux 2.2": "Others Linux", "OpenCloudOS Server 8": "Others Linux", "openEuler 22.03": "Others Linux",
    "Ubuntu Server 22.04 LTS 64位": "Ubuntu", "Ubuntu  22.04 64 bit": "Ubuntu", "openSUSE Leap 15.4 64位": "OpenSUSE",
    "SUSE Linux Enterprise Server 15 SP4": "SUSE", "Red Hat Enterprise Linux 8.5 64位": "RedHat", "RedHat": "RedHat",
    "RHEL 9": "RedHat", "Rocky Linux 9.0 64位": "Rocky Linux", "AlmaLinux 8.6": "AlmaLinux", "Fedora 37": "Fedora",
    "Fedora CoreOS 38": "Fedora CoreOS", "CoreOS 7.1": "CoreOS", "Flatcar": "CoreOS", "Debian 12.0 64位": "Debian",
    "FreeBSD 12.3": "FreeBSD", "Kylin Linux Advanced Server V10": "Kylin", "UnionTech OS Server 20": "UOS",
    "UOS V20": "UOS", "Anolis OS 8.6": "Anolis", "Alibaba Cloud Linux 3.2104": "Aliyun", "Other Linux": "Others Linux",
    "Amazon Linux 2": "Others Linux", "Gentoo": "Gentoo",
}  # fmt: skip
WINDOWS_NAMES = {
    "Windows Server 2019 数据中心版 64位 中文版": "Windows Server 2019",
    "Windows Server 2012 R2 Datacenter 64bit English": "Windows Server 2012",
    "Windows Server 2025": "Other Windows", "Windows 10": "Other Windows", "Other Windows": "Other Windows",
}  # fmt: skip


@pytest.mark.parametrize(("name", "platform"), [*NAMES.items(), *WINDOWS_NAMES.items()])
def test_what_ecs_calls_them(name: str, platform: str) -> None:
    found = ecs_os(name)
    assert found.platform == platform
    assert found.platform in PLATFORMS
    assert found.os_type == (WINDOWS if name in WINDOWS_NAMES else LINUX)


@pytest.mark.parametrize(("name", "platform"), NAMES.items())
def test_choices_say_how_their_names_begin(name: str, platform: str) -> None:
    """Whoever has the list alone finds the same: by the longest beginning that fits."""
    folded = re.sub(r"[^a-z]", "", name.lower())
    fitting = [
        (len(beginning), choice.os_type)
        for choice in choices()
        for beginning in choice.beginnings
        if folded.startswith(beginning)
    ]
    assert max(fitting)[1] == platform


def test_every_choice_has_beginnings_and_they_are_nobody_elses() -> None:
    every = [beginning for choice in choices() for beginning in choice.beginnings]
    assert len(set(every)) == len(every)
    assert all(choice.beginnings for choice in choices())
    assert all(beginning.isalpha() and beginning.islower() for beginning in every)


def test_the_newest_windows_is_last() -> None:
    (windows,) = (choice for choice in choices() if choice.os_type == "Windows Server")
    assert windows.versions == ("2003", "2008", "2012", "2016", "2019", "2022")


def test_what_nobody_knows_is_told_with_a_near_name() -> None:
    with pytest.raises(ImgmoveError) as caught:
        ecs_os("Debain")
    assert caught.value.kind is Kind.INVALID
    assert "'Debian'" in caught.value.hint
