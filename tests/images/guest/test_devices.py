"""Names of devices: what they mean on another machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.images.guest.layout import FileSystem
from imgmove.images.guest.rules.devices import Means, what_it_means
from tests.images.guest.scenes import GPT, LAYOUT, LVM, ROOT_UUID, root_system

NAMES = {
    f"UUID={ROOT_UUID}": Means.HERE,
    f"UUID={ROOT_UUID.upper()}": Means.HERE,
    f'UUID="{ROOT_UUID}"': Means.HERE,
    f"/dev/disk/by-uuid/{ROOT_UUID}": Means.HERE,
    "UUID=11111111-2222-3333-4444-555555555555": Means.ABSENT,
    "LABEL=cloudimg-rootfs": Means.ABSENT,
    "PARTUUID=a1b2c3d4-01": Means.HERE,
    "PARTUUID=ffffffff-01": Means.ABSENT,
    "/dev/sda1": Means.WRONG_NAME,
    "/dev/xvda": Means.WRONG_NAME,
    "/dev/hda2": Means.WRONG_NAME,
    "/dev/nvme0n1p1": Means.WRONG_NAME,
    "/dev/vda1": Means.KERNEL_NAME,
    "/dev/vda": Means.KERNEL_NAME,
    "/dev/vdb": Means.OTHER_DISK,
    "/dev/sdb1": Means.OTHER_DISK,
    "/dev/disk/by-id/virtio-disk1": Means.OTHER_DISK,
    "/dev/disk/by-path/pci-0000:00:04.0": Means.OTHER_DISK,
    "10.0.0.4:/share": Means.NETWORK,
    "//files/share": Means.NETWORK,
    "tmpfs": Means.OTHER,
    "/swapfile": Means.OTHER,
    "/dev/mapper/vg9-root": Means.OTHER,
    "/dev/sr0": Means.OTHER,
    "": Means.OTHER,
}


@pytest.mark.parametrize("name", NAMES)
def test_names_mean_what_they_mean(name: str) -> None:
    assert what_it_means(name, LAYOUT) is NAMES[name]


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("/dev/mapper/vg0-root", Means.HERE),
        ("/dev/vg0/root", Means.HERE),
        ("/dev/mapper/data--1-lv", Means.OTHER_DISK),
        ("/dev/data-1/lv", Means.OTHER_DISK),
        ("/dev/mapper/luks-0a1b", Means.OTHER),
        ("/dev/disk/by-label/none", Means.ABSENT),
        ("/dev/root", Means.OTHER),
        ("/dev/md/raid", Means.OTHER),
    ],
)
def test_volumes_are_here_when_their_group_is(name: str, means: Means) -> None:
    assert what_it_means(name, LVM) is means


def test_a_group_may_have_dashes() -> None:
    dashed = replace(LVM, volume_groups=(replace(LVM.volume_groups[0], name="my-vg"),))
    assert what_it_means("/dev/mapper/my--vg-root", dashed) is Means.HERE


def test_nobody_says_absent_where_something_is_hidden() -> None:
    hidden = replace(LAYOUT, file_systems=(root_system(), FileSystem("partition 2", "luks")))
    assert what_it_means("UUID=11111111-2222-3333-4444-555555555555", hidden) is Means.OTHER
    assert what_it_means("PARTUUID=ffffffff-01", hidden) is Means.ABSENT


def test_labels_of_partitions_count() -> None:
    named = replace(GPT, partitions=(replace(GPT.partitions[0], name="Data"),))
    assert what_it_means("PARTLABEL=data", named) is Means.HERE


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_name_means_something(name: str, kind: str) -> None:
    assert what_it_means(name, LVM, kind) in Means
