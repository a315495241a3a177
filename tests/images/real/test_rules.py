"""Every case of G02 to G14 on a real disk: found where it is broken, by name, severity and destination; and nothing else."""

import pytest

from imgmove.images.guest.rules import RULES, State
from tests.images.real import judging, recipes
from tests.images.real.broken.breaking import DESTINATIONS, Broken, large
from tests.images.real.broken.disks import DISKS
from tests.images.real.broken.living import LIVING
from tests.images.real.broken.starting import STARTING, UEFI
from tests.images.real.workshop import Disk, Workshop

BROKEN = {**STARTING, **LIVING, **DISKS}
SELINUX = {"G10/selinux-enforcing": "III"}
SOUND = {
    "debian": Broken(lambda: large(recipes.debian_disk()), {}),
    "debian-on-xfs": Broken(lambda: large(recipes.debian_disk(file_system="xfs")), {}),
    "debian-on-ext3": Broken(lambda: large(recipes.debian_disk(file_system="ext3")), {}),
    "debian-on-lvm": Broken(lambda: large(recipes.debian_disk(lvm=True)), {"G14/lvm-root": "WWW"}),
    "debian-by-uefi": Broken(lambda: large(recipes.uefi_disk()), UEFI, "uefi"),
    "redhat": Broken(lambda: large(recipes.redhat_disk()), SELINUX),
    "redhat-on-gpt": Broken(lambda: large(recipes.redhat_disk(table="gpt")), {"G02/gpt-unconfirmed": "WW-"} | SELINUX),
    "windows": Broken(lambda: large(recipes.windows_disk(), 40), {"G12/activation": "III"}),
    "windows-by-uefi": Broken(lambda: large(recipes.windows_uefi_disk(), 40), UEFI | {"G12/activation": "III"}, "uefi"),
}


def test_every_case_is_broken_on_a_real_disk() -> None:
    """G01 is the guard's and the reader's: hostile files are built elsewhere."""
    cases = {f"{rule.id}/{case.name}" for rule in RULES[1:] for case in rule.cases}
    assert {name for item in BROKEN.values() for name in item.found} == cases


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_disk_keeps_every_rule(workshop: Workshop, name: str) -> None:
    """All is looked at, and nothing is found but what this kind of disk has always."""
    item = SOUND[name]
    inspection = judging.inspect(item.image(workshop), item.container)

    assert inspection.trouble == ()
    for provider in DESTINATIONS:
        verdict = judging.verdict(inspection, provider, item.boot_mode)
        assert {judging.name(one): one.severity for one in verdict.findings} == item.expected(provider), provider
        assert verdict.will_start is True
        assert State.NOT_LOOKED not in {one.state for one in verdict.rules}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_disk_is_recognised(workshop: Workshop, name: str) -> None:
    item = BROKEN[name]
    inspection = judging.inspect(item.image(workshop), item.container)

    assert inspection.trouble == ()
    for provider in DESTINATIONS:
        verdict = judging.verdict(inspection, provider, item.boot_mode)
        assert {judging.name(one): one.severity for one in verdict.findings} == item.expected(provider), provider
        for one in verdict.findings:
            assert one.what
            assert one.why
            assert one.fix


def test_disks_are_what_they_say(workshop: Workshop) -> None:
    """The builders themselves: the same recipe is the same file, another is another."""
    first, again, other = recipes.debian_disk(), recipes.debian_disk(), recipes.debian_disk(file_system="xfs")
    assert workshop.disk(first) == workshop.disk(again) != workshop.disk(other)
    assert isinstance(first, Disk)
