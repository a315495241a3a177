"""Guests that are sound, each in a way of its own: no rule finds anything in them."""

from __future__ import annotations

from dataclasses import replace

from tests.images.guest.broken import ABSENT, CLOUD, CONFIG_FILE, GRUB, INITRD, NETPLAN, Make, arm, fstab, uefi
from tests.images.guest.scenes import (
    CONFIG,
    DEBIAN,
    GRUB_CFG,
    VERSION,
    edited,
    windows,
)
from tests.images.guest.trees import MemoryTree

#: Guests that are sound in another way, each for a destination that it suits.
SOUND: dict[str, tuple[str, Make]] = {
    "debian to tencent": ("tencent", lambda: DEBIAN),
    "debian to ecm": ("ecm", lambda: DEBIAN),
    "debian to alibaba": ("alibaba", lambda: DEBIAN),
    "uefi": ("alibaba", lambda: replace(uefi(), boot_mode="uefi")),
    "uefi, its ESP not mounted": (
        "alibaba",
        lambda: replace(
            uefi(bios=True).files({"/boot/efi": None}), boot_mode="uefi",
            others={"partition 15": MemoryTree({"/EFI/BOOT/BOOTX64.EFI": b"MZ"}, ignores_case=True)},
        ),
    ),
    "gpt by bios": ("alibaba", lambda: uefi(bios=True)),
    "arm64": ("alibaba", arm),
    "windows to tencent": ("tencent", lambda: windows("tencent")),
    "windows to alibaba": ("alibaba", lambda: windows("alibaba")),
    "data disk with nofail": ("alibaba", fstab("/dev/vdb1 /data ext4 defaults,nofail 0 2")),
    "no network file but NetworkManager": (
        "alibaba",
        lambda: DEBIAN.files({NETPLAN: None, "/usr/sbin/NetworkManager": b""}),
    ),
    "mounted on demand": ("alibaba", fstab("10.0.0.4:/share /mnt nfs x-systemd.automount 0 0")),
    "removable with noauto": ("alibaba", fstab(f"UUID={ABSENT} /mnt ext4 noauto 0 0")),
    "drivers in the kernel, no initramfs": (
        "alibaba",
        lambda: DEBIAN.files({
            CONFIG_FILE: CONFIG.replace("=m", "=y"), INITRD: None,
            GRUB: GRUB_CFG.replace(f"initrd /boot/initrd.img-{VERSION}", ""),
        }),
    ),
    "sources of its old cloud beside the new": (
        "tencent",
        lambda: edited(CLOUD, "[ ConfigDrive, AliYun, None ]", "\n  - AliYun\n  - TencentCloud\n  - ConfigDrive")(DEBIAN),
    ),
    "no list of sources": ("alibaba", lambda: DEBIAN.files({CLOUD: "ssh_pwauth: true\n"})),
    "agents of the cloud it goes to": ("tencent", lambda: DEBIAN.files({"/usr/local/qcloud/YunJing/x": b""})),
    "a card bound by cloud-init itself": (
        "alibaba",
        lambda: DEBIAN.files({NETPLAN: "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n      match:\n"
                                       "        macaddress: 52:54:00:aa:bb:cc\n"}),
    ),
}  # fmt: skip
