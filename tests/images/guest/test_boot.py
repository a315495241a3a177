"""Boot loaders: what they start by default, in every dialect, and where the EFI system partition is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.guest.collect import boot_entries
from imgmove.images.guest.collect.boot import collect_boot, located
from imgmove.images.guest.collect.boot_entries import version_key
from imgmove.images.guest.collect.text_files import Line
from imgmove.images.guest.facts import BootEntry
from tests.images.guest.scenes import GPT, LAYOUT
from tests.images.guest.trees import Content, MemoryTree

FILES: dict[str, Content] = {
    "/boot/vmlinuz-1": b"",
    "/boot/vmlinuz-2": b"",
    "/boot/initrd-1": b"",
    "/boot/initrd-2": b"",
}

SUBMENU = """
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
else
   set default="DEFAULT"
fi
menuentry 'Debian' --class debian $menuentry_id_option 'gnulinux-simple-1' {
	load_video
	if [ x$grub_platform = xxen ]; then insmod xzio; fi
	linux	/vmlinuz-1 root=UUID=aa ro
	initrd	/initrd-1
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Debian, with Linux 2' --class debian $menuentry_id_option 'gnulinux-2-advanced-1' {
		linux	/vmlinuz-2 root=UUID=bb ro
		initrd	/intel-ucode.img /initrd-2
	}
}
menuentry "Windows" {
	chainloader +1
}
"""


def default(tree: MemoryTree) -> BootEntry:
    (found,) = [entry for entry in collect_boot(LAYOUT, tree, {}).entries if entry.is_default]
    return found


def with_grub(text: str, **files: str) -> MemoryTree:
    return MemoryTree(
        {**FILES, "/boot/grub/grub.cfg": text, **{f"/boot/grub/{name}": data for name, data in files.items()}}
    )


@pytest.mark.parametrize(
    ("wanted", "kernel"),
    [
        ("0", "/boot/vmlinuz-1"),
        ("1>0", "/boot/vmlinuz-2"),
        ("Advanced options>Debian, with Linux 2", "/boot/vmlinuz-2"),
        ("gnulinux-2-advanced-1", "/boot/vmlinuz-2"),
        ("nothing-like-it", "/boot/vmlinuz-1"),
    ],
)
def test_grub_starts_what_its_default_names(wanted: str, kernel: str) -> None:
    assert default(with_grub(SUBMENU.replace("DEFAULT", wanted))).kernel == kernel


def test_the_saved_entry_counts_where_grub_asks_for_it() -> None:
    text = SUBMENU.replace("DEFAULT", "${saved_entry}")
    tree = with_grub(text, grubenv="# GRUB Environment Block\nsaved_entry=gnulinux-2-advanced-1\n####\n")
    found = default(tree)
    assert (found.kernel, found.initramfs, found.arguments) == ("/boot/vmlinuz-2", "/boot/initrd-2", "root=UUID=bb ro")
    assert found.at == "/boot/grub/grub.cfg:15"
    assert collect_boot(LAYOUT, tree, {}).default_from == "/boot/grub/grubenv:2"


def test_an_entry_may_hold_one_line_and_other_loaders() -> None:
    entries = collect_boot(LAYOUT, with_grub(SUBMENU.replace("DEFAULT", "0")), {}).entries
    assert [entry.title for entry in entries] == ["Debian", "Debian, with Linux 2", "Windows"]
    assert entries[2].kernel_exists is None


BLS = (
    "title Rocky Linux ({v})\nversion {v}\nlinux /vmlinuz-{v}\ninitrd /initrd-{v}\noptions $kernelopts $tuned_params\n"
)


def test_boot_loader_specification_starts_the_newest_or_the_saved() -> None:
    files = {
        "/boot/grub2/grub.cfg": 'set default="${saved_entry}"\ninsmod blscfg\nblscfg\n',
        "/boot/loader/entries/abc-1.conf": BLS.format(v="1"),
        "/boot/loader/entries/abc-2.conf": BLS.format(v="2"),
        "/boot/loader/entries/abc-0-rescue.conf": BLS.format(v="0-rescue"),
        "/boot/grub2/grubenv": "kernelopts=root=/dev/mapper/rl-root ro crashkernel=auto\n",
    }
    found = default(MemoryTree({**FILES, **files}))
    assert (found.kernel, found.arguments) == ("/boot/vmlinuz-2", "root=/dev/mapper/rl-root ro crashkernel=auto")
    files["/boot/grub2/grubenv"] = "saved_entry=abc-1\nkernelopts=root=UUID=cc\n"
    found = default(MemoryTree({**FILES, **files}))
    assert (found.kernel, found.at) == ("/boot/vmlinuz-1", "/boot/loader/entries/abc-1.conf:5")


def test_grub_legacy() -> None:
    text = "default=1\ntimeout=5\ntitle One\n\troot (hd0,0)\n\tkernel /vmlinuz-1 root=/dev/xvda1\n\tinitrd /initrd-1\n" \
           "title Two\n\tkernel /vmlinuz-2 root=/dev/vda1 console=ttyS0\n\tinitrd /initrd-2\n"  # fmt: skip
    found = default(MemoryTree({**FILES, "/boot/grub/menu.lst": text}))
    assert (found.title, found.kernel, found.arguments) == ("Two", "/boot/vmlinuz-2", "root=/dev/vda1 console=ttyS0")


def test_extlinux() -> None:
    text = "DEFAULT virt\nLABEL other\n  KERNEL /boot/vmlinuz-1\nLABEL virt\n  MENU LABEL Linux\n  LINUX vmlinuz-2\n" \
           "  INITRD initrd-2\n  APPEND root=UUID=dd modules=ext4\n"  # fmt: skip
    found = default(MemoryTree({**FILES, "/boot/extlinux.conf": text}))
    assert (found.kernel, found.initramfs, found.arguments) == (
        "/boot/vmlinuz-2",
        "/boot/initrd-2",
        "root=UUID=dd modules=ext4",
    )


def test_systemd_boot() -> None:
    entries = "/boot/efi/loader/entries"
    files: dict[str, Content] = {
        "/boot/efi/loader/loader.conf": "default two*\n",
        "/boot/efi/EFI/systemd/systemd-bootx64.efi": b"",
        f"{entries}/one.conf": BLS.format(v="1"),
        f"{entries}/two.conf": BLS.format(v="2"),
    }
    assert default(MemoryTree({**FILES, **files})).kernel == "/boot/vmlinuz-2"


def test_what_is_not_there_is_said() -> None:
    tree = MemoryTree({"/boot/grub/grub.cfg": "menuentry 'x' {\nlinux /gone root=/dev/sda1\ninitrd ($root)/$x\n}\n"})
    found = default(tree)
    assert (found.kernel_exists, found.initramfs_exists) == (False, None)


@pytest.mark.parametrize(
    "named", ["/vmlinuz-1", "vmlinuz-1", "/boot/vmlinuz-1", "(hd0,1)/vmlinuz-1", "/@/boot/vmlinuz-1"]
)
def test_kernels_are_found_from_the_loaders_point_of_view(named: str) -> None:
    assert located(MemoryTree(dict(FILES)), named) == "/boot/vmlinuz-1"


def test_the_esp_is_seen_where_it_is_mounted_or_given() -> None:
    loaders = {"/EFI/BOOT/BOOTX64.EFI": b"", "/EFI/Microsoft/Boot/BCD": b"", "/EFI/Linux/one.efi": b""}
    mounted = MemoryTree({f"/boot/efi{path}": data for path, data in loaders.items()})
    apart = MemoryTree(dict(loaders), ignores_case=True)
    for boot in (
        collect_boot(GPT, mounted, {}),
        collect_boot(GPT, MemoryTree({"/etc/x": ""}), {"partition 15": apart}),
    ):
        assert boot.is_esp_seen
        assert {"efi/boot/bootx64.efi", "efi/microsoft/boot/bcd"} <= set(boot.efi_loaders)
        assert boot.unified_kernels == ("efi/linux/one.efi",)
    assert not collect_boot(
        replace(GPT, partitions=()), MemoryTree({"/etc/x": ""}), {"partition 15": apart}
    ).is_esp_seen


def test_newer_versions_are_newer() -> None:
    ordered = [
        "0-rescue-abc",
        "2.6.32-754.el6",
        "3.10.0-957",
        "3.10.0-1160",
        "4.18.0-80.el8",
        "6.1.0-9-amd64",
        "6.1.0-18-amd64",
    ]
    assert sorted({*ordered}, key=version_key) == ordered


READERS = [boot_entries.read_grub2, boot_entries.read_grub_legacy, boot_entries.read_extlinux]
WORDS = ["menuentry 'a' {", "submenu 'b' {", "}", "linux /vmlinuz-1 root=/dev/sda1", "initrd /x", "initrd", "linux", "blscfg",
         'set default="1>0"', "default=1", "title x", "kernel", "LABEL a", "APPEND", "{", "menuentry", "submenu '"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.text(min_size=1, max_size=30).map(str.strip).filter(bool), max_size=40))
def test_no_configuration_breaks_its_reader(lines: list[str]) -> None:
    found = [Line("/x", number, line) for number, line in enumerate(lines, 1)]
    for read in READERS:
        assert len(read(found).entries) <= boot_entries.MOST_ENTRIES
    boot_entries.read_bls(found, "x", {})
    tree = MemoryTree({"/boot/grub/grub.cfg": "\n".join(lines)})
    assert sum(entry.is_default for entry in collect_boot(LAYOUT, tree, {}).entries) <= 1
