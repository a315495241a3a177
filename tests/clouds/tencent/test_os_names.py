"""Names of operating systems, from what people write to what CVM's and ECM's lists offer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.clouds.tencent import os_names
from imgmove.clouds.tencent.os_names import OsEntry
from imgmove.core.errors import ImgmoveError, Kind

#: The vendor's example of DescribeImportImageOs, with names that its prose adds (tencent.md 2.1).
ANSWER: dict[str, Any] = {
    "ImportImageOsListSupported": {
        "Linux": ["CentOS", "Ubuntu", "Debian", "OpenSUSE", "SUSE", "CoreOS", "FreeBSD", "Other Linux", "Kylin"],
        "Windows": ["Windows Server 2016", "Windows Server 2019"],
    },
    "ImportImageOsVersionSet": [
        {"OsName": "Windows Server 2016", "OsVersions": ["9"], "Architecture": ["x86_64", "i386"]},
        {"OsName": "Windows Server 2019", "OsVersions": ["-"], "Architecture": ["x86_64"]},
        {"OsName": "CentOS", "OsVersions": ["5", "6", "7", "8"], "Architecture": ["x86_64", "i386"]},
        {"OsName": "CentOS Stream", "OsVersions": ["8", "9"], "Architecture": ["x86_64"]},
        {"OsName": "Debian", "OsVersions": ["8", "9", "10", "11", "12"], "Architecture": ["x86_64"]},
        {"OsName": "Redhat", "OsVersions": ["6", "7"], "Architecture": None},
        {"OsName": "SUSE", "OsVersions": ["11", "12"]},
        {"OsName": "OpenSUSE", "OsVersions": ["42"]},
        {"OsName": "Ubuntu", "OsVersions": ["18.04", "20.04", "22.04"]},
        {"OsName": "Rocky Linux", "OsVersions": ["8", "9"]},
        {"OsName": "Other Linux", "OsVersions": ["-"]},
    ],
}
OFFERED = os_names.catalogue(ANSWER)


def names(os_type: str, os_version: str = "") -> tuple[str, str]:
    match = os_names.resolve(OFFERED, os_type, os_version, force=False)
    return match.os_type, match.os_version


@pytest.mark.parametrize(
    ("os_type", "os_version", "expected"),
    [
        ("Debian", "12", ("Debian", "12")),
        ("debian", "12.5", ("Debian", "12")),
        ("debian 12", "", ("Debian", "12")),
        ("Debian 12.0 64bit", "", ("Debian", "12")),
        ("ubuntu-22.04", "", ("Ubuntu", "22.04")),
        ("Ubuntu Server 22", "", ("Ubuntu", "22.04")),
        ("ubuntu", "20.04.6", ("Ubuntu", "20.04")),
        ("centos", "7.9", ("CentOS", "7")),
        ("CentOS7", "", ("CentOS", "7")),
        ("centos stream 9", "", ("CentOS Stream", "9")),
        ("rocky", "9.3", ("Rocky Linux", "9")),
        ("rhel", "7", ("Redhat", "7")),
        ("Red Hat Enterprise Linux 7.9", "", ("Redhat", "7")),
        ("sles", "12", ("SUSE", "12")),
        ("SUSE Linux Enterprise Server 12 SP5", "", ("SUSE", "12")),
        ("openSUSE Leap", "42.3", ("OpenSUSE", "42")),
        ("opensuse", "", ("OpenSUSE", "42")),
        ("windows 2019", "", ("Windows Server 2019", "-")),
        ("Windows", "2016", ("Windows Server 2016", "9")),
        ("Windows Server 2019 Datacenter 64bit", "", ("Windows Server 2019", "-")),
        ("windows server 2016", "9", ("Windows Server 2016", "9")),
        ("Others Linux", "", ("Other Linux", "-")),
        ("other linux", "3", ("Other Linux", "-")),
        ("kylin", "V10", ("Kylin", "V10")),
        ("Kylin", "", ("Kylin", "-")),
    ],
)
def test_common_names(os_type: str, os_version: str, expected: tuple[str, str]) -> None:
    assert names(os_type, os_version) == expected


@pytest.mark.parametrize(
    ("os_type", "os_version", "code", "near"),
    [
        ("debian", "13", "InvalidImageOsVersion.Unsupported", "12"),
        ("ubuntu", "", "InvalidImageOsVersion.Unsupported", "22.04"),
        ("Debain", "12", "InvalidImageOsType.Unsupported", "'Debian'"),
        ("Plan 9", "", "InvalidImageOsType.Unsupported", "Other Linux"),
        ("windows 2012", "", "InvalidImageOsType.Unsupported", "Windows Server 2016"),
        ("Alibaba Cloud Linux", "3", "InvalidImageOsType.Unsupported", "Other Linux"),
    ],
)
def test_what_is_not_offered_lists_what_is(os_type: str, os_version: str, code: str, near: str) -> None:
    with pytest.raises(ImgmoveError) as caught:
        names(os_type, os_version)
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, code)
    assert near in caught.value.hint


def test_without_a_name_other_linux_is_taken_and_said() -> None:
    match = os_names.resolve(OFFERED, "", "", force=False)
    assert (match.os_type, match.os_version) == ("Other Linux", "-")
    assert any("cloud-init" in note for note in match.notes)
    forced = os_names.resolve(OFFERED, "", "", force=True)
    assert not any("cloud-init" in note for note in forced.notes)


def test_where_other_linux_is_not_offered_a_name_is_wanted() -> None:
    with pytest.raises(ImgmoveError) as caught:
        os_names.resolve((OsEntry("Debian", ("12",)),), "", "", force=False)
    assert "Debian" in caught.value.hint


def test_an_empty_list_takes_every_word() -> None:
    for answer in ({}, {"ImportImageOsListSupported": None, "ImportImageOsVersionSet": None}):
        match = os_names.resolve(os_names.catalogue(answer), "Debian", "12", force=False)
        assert (match.os_type, match.os_version) == ("Debian", "12")
        assert os_names.resolve((), "", "", force=True).os_type == "Other Linux"


def test_ecms_own_example_with_versions_in_its_names() -> None:
    offered = os_names.catalogue({
        "ImportImageOsListSupported": {"Linux": ["CentOS", "Other Linux"], "Windows": None},
        "ImportImageOsVersionSet": [
            {"OsName": "CentOS 7.4 64位", "OsVersions": ["-"]}, {"OsName": "CentOS 7.4 64位", "OsVersions": ["5", "6"]},
        ],
    })  # fmt: skip
    match = os_names.resolve(offered, "CentOS", "7.6", force=True)
    assert (match.os_type, match.os_version) == ("CentOS", "7.6")


def test_the_choices_are_those_of_the_service() -> None:
    found = {choice.os_type: choice for choice in os_names.choices(OFFERED)}
    assert found["Windows Server 2019"].family == "windows"
    assert found["Debian"].versions == ("8", "9", "10", "11", "12")
    assert found["FreeBSD"].versions == ()


WORDS = st.text(max_size=20) | st.sampled_from([entry.name for entry in OFFERED])


@given(os_type=WORDS, os_version=st.text(max_size=6) | st.from_regex(r"\d{1,2}(\.\d{1,2})?", fullmatch=True))
def test_whatever_is_written_the_list_decides(os_type: str, os_version: str) -> None:
    refused: ImgmoveError | None = None
    try:
        match = os_names.resolve(OFFERED, os_type, os_version, force=False)
    except ImgmoveError as error:
        refused = error
    if refused is None:
        assert match.os_type in {entry.name for entry in OFFERED}
        assert match.os_version
    else:
        assert refused.kind is Kind.INVALID
        assert refused.hint
