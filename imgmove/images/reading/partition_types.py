"""What the types of partitions mean: bytes of the MBR and GUIDs of the GPT, as data."""

from __future__ import annotations

from typing import Final

PROTECTIVE: Final = 0xEE
EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})

MBR_ROLES: Final[dict[int, str]] = {
    0x01: "msdata", 0x04: "msdata", 0x06: "msdata", 0x07: "msdata", 0x0B: "msdata", 0x0C: "msdata", 0x0E: "msdata",
    0x05: "extended", 0x0F: "extended", 0x85: "extended",
    0x27: "recovery",
    0x42: "ldm",
    0x82: "swap",
    0x83: "linux",
    0x8E: "lvm",
    0xA5: "freebsd",
    0xEE: "protective",
    0xEF: "efi",
    0xFD: "raid",
}  # fmt: skip

ESP_GUID: Final = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

GPT_ROLES: Final[dict[str, str]] = {
    ESP_GUID: "efi",
    "21686148-6449-6e6f-744e-656564454649": "bios-boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "linux",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "linux",  # root, x86-64
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "linux",  # root, arm64
    "44479540-f297-41b2-9af7-d131d5f0458a": "linux",  # root, x86
    "8484680c-9521-48c6-9c11-b0720656f69e": "linux",  # /usr, x86-64
    "b0e01050-ee5f-4390-949a-9101b17104e9": "linux",  # /usr, arm64
    "4d21b016-b534-45c2-a9fb-5c16e091fd2d": "linux",  # /var
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "linux",  # /home
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "linux",  # /boot, extended boot loader
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "lvm",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "raid",
    "ca7d7ccb-63ed-4c53-861c-1742536059cc": "luks",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "msdata",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "msr",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "recovery",
    "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": "ldm",
    "af9b60a0-1431-4f62-bc68-3311714a69ad": "ldm",
    "516e7cb4-6ecf-11d6-8ff8-00022d09712b": "freebsd",
    "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "freebsd",
    "83bd6b9d-7f41-11dc-be0b-001560b84f0f": "freebsd",
    "6a898cc3-1dd2-11b2-99a6-080020736631": "zfs",
    "6a945a3b-1dd2-11b2-99a6-080020736631": "zfs",
    "516e7cba-6ecf-11d6-8ff8-00022d09712b": "zfs",
    "9e1a2d38-c612-4316-aa26-8b49521e5a8b": "prep",
}
