"""A Windows Server 2022 as it should arrive: virtio drivers that start, generalised by Sysprep, no page file on D:."""

from __future__ import annotations

import copy
from typing import Any

from tests.images.real.boot import modules
from tests.images.real.guests.hive import hive
from tests.images.real.tree import Tree

UUID = "0123456789ABCDEF"
MARKER = "/marker.txt"
MARKER_TEXT = "the marker behind the window\r\n"
Registry = dict[str, Any]

SYSTEM: Registry = {
    "Select": {"Current": 1, "Default": 1, "Failed": 0, "LastKnownGood": 1},
    "Setup": {"SystemSetupInProgress": 1, "CmdLine": "oobe\\windeploy.exe", "Status": {"SysprepStatus": {
        "CleanupState": 2, "GeneralizationState": 7}}},
    "MountedDevices": {},
    "ControlSet001": {
        "Control": {
            "ComputerName": {"ComputerName": {"ComputerName": "WIN-1"}},
            "ProductOptions": {"ProductType": "ServerNT"},
            "Session Manager": {"Memory Management": {"PagingFiles": ["?:\\pagefile.sys"]},
                                "Environment": {"PROCESSOR_ARCHITECTURE": "AMD64"}},
            "TimeZoneInformation": {"RealTimeIsUniversal": 1},
            "Terminal Server": {"fDenyTSConnections": 0},
        },
        "Services": {
            "viostor": {"Start": 0, "Type": 1, "ImagePath": "System32\\drivers\\viostor.sys", "Group": "SCSI miniport"},
            "vioscsi": {"Start": 0, "Type": 1, "ImagePath": "System32\\drivers\\vioscsi.sys", "Group": "SCSI miniport"},
            "netkvm": {"Start": 3, "Type": 1, "ImagePath": "System32\\drivers\\netkvm.sys"},
            "stornvme": {"Start": 0, "Type": 1, "ImagePath": "System32\\drivers\\stornvme.sys"},
            "TermService": {"Start": 3, "Type": 32, "ImagePath": "svchost.exe -k NetworkService"},
            "cloudbase-init": {"Start": 2, "Type": 16, "ImagePath": "C:\\Program Files\\Cloudbase Solutions\\c.exe"},
            "Tcpip": {"Parameters": {"Interfaces": {"{5EED0099-0000-4000-8000-000000000001}": {"EnableDHCP": 1}}}},
        },
    },
}  # fmt: skip
SOFTWARE: Registry = {
    "Microsoft": {
        "Windows NT": {
            "CurrentVersion": {
                "ProductName": "Windows Server 2022 Standard",
                "CurrentVersion": "6.3",
                "CurrentBuild": "20348",
                "CurrentBuildNumber": "20348",
                "CurrentMajorVersionNumber": 10,
                "CurrentMinorVersionNumber": 0,
                "EditionID": "ServerStandard",
                "InstallationType": "Server",
            }
        },
        "Windows": {
            "CurrentVersion": {"Setup": {"State": {"ImageState": "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"}}},
        },
    },
}
BCD: Registry = {
    "Description": {"KeyName": "BCD00000000", "System": 1, "TreatAsSystem": 1},
    "Objects": {
        "{9dea862c-5cdd-4e70-acc1-f32b344d4795}": {"Description": {"Type": 0x10100002}, "Elements": {}},
        "{5eed0099-0000-11ee-8000-000000000001}": {
            "Description": {"Type": 0x10200003},
            "Elements": {"12000002": {"Element": "\\Windows\\system32\\winload.exe"}},
        },
    },
}
DRIVERS = ("viostor", "vioscsi", "netkvm", "stornvme", "disk", "partmgr")


def system_registry() -> Registry:
    """The SYSTEM hive's keys, to be changed."""
    return copy.deepcopy(SYSTEM)


def software_registry() -> Registry:
    """The SOFTWARE hive's keys, to be changed."""
    return copy.deepcopy(SOFTWARE)


def windows(system: Registry | None = None, software: Registry | None = None, *, boot_files: bool = True) -> Tree:
    """The tree of drive C:; with `boot_files` what a BIOS' boot manager needs lies on it too."""
    tree = Tree()
    config = "/Windows/System32/config"
    tree.file(f"{config}/SYSTEM", hive("\\SystemRoot\\System32\\Config\\SYSTEM", system or SYSTEM))
    tree.file(f"{config}/SOFTWARE", hive("\\SystemRoot\\System32\\Config\\SOFTWARE", software or SOFTWARE))
    for name in DRIVERS:
        tree.file(f"/Windows/System32/drivers/{name}.sys", program(name))
    for path in ("ntoskrnl.exe", "winload.exe", "winload.efi", "hal.dll", "Sysprep/sysprep.exe"):
        tree.file(f"/Windows/System32/{path}", program(path))
    tree.directory("/Windows/Panther")
    tree.directory("/Program Files/Cloudbase Solutions/Cloudbase-Init/conf")
    tree.file("/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf", "[DEFAULT]\r\n")
    tree.directory("/Users/Administrator")
    if boot_files:
        tree.file("/bootmgr", program("bootmgr"))
        tree.file("/Boot/BCD", hive("\\Boot\\BCD", BCD))
    tree.file(MARKER, MARKER_TEXT)
    return tree


def esp(*, fallback: bool = True) -> Tree:
    """The ESP of a Windows that starts by UEFI."""
    tree = Tree()
    tree.file("/EFI/Microsoft/Boot/bootmgfw.efi", program("bootmgfw"))
    tree.file("/EFI/Microsoft/Boot/BCD", hive("\\EFI\\Microsoft\\Boot\\BCD", BCD))
    if fallback:
        tree.file("/EFI/BOOT/BOOTX64.EFI", program("bootmgfw"))
    return tree


def program(name: str) -> bytes:
    """A PE head for x86-64 and the name."""
    head = bytearray(b"MZ".ljust(0x80, b"\0"))
    head[0x3C:0x40] = (0x80).to_bytes(4, "little")
    head += b"PE\0\0" + (0x8664).to_bytes(2, "little") + bytes(18) + (0x20B).to_bytes(2, "little") + bytes(238)
    return bytes(head) + modules.contents(name)[64:]
