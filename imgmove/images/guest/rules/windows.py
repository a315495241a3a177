"""G12: a Windows guest finds its disk and its network, starts in the boot mode asked for, and is in a state to be copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import Windows
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
_BOOT_START: Final = 0
_DISABLED: Final = 4
#: Windows 8 and Server 2012: from here on devices are matched by the driver store.
_DRIVER_STORE: Final = (6, 2)
_STARTS: Final = {0: "boot", 1: "system", 2: "automatic", 3: "on demand", 4: "disabled", None: "not set"}
_STOP: Final = "Windows does not see its disk: it stops with INACCESSIBLE_BOOT_DEVICE (0x7B)"
_INSTALL: Final = (
    "on the source: install the virtio drivers (virtio-win, `virtio-win-gt-x64.msi`; or the vendor's package)"
)

_CASES: Final = (
    Case(
        "storage-driver", _B, "the driver viostor (virtio disk) is not ready: {state}",
        {TENCENT: _STOP + "; CVM refuses it (VirtioNotInstall, told by mail only)",
         ECM: _STOP + "; the import refuses it as CVM does (VirtioNotInstall)", ANY: _STOP},
        _INSTALL + ", then `reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\viostor /v Start /t REG_DWORD /d 0 /f`",
        "tencent.md 3.3, 7.3; alibaba.md 3.2; field.md 4.2 (kubevirt#11332)",
    ),
    Case(
        "network-driver", _B, "the driver netkvm (virtio network) is not ready: {state}",
        "the machine starts without a network card: no remote desktop", _INSTALL, "field.md 4.2",
    ),
    Case(
        "nvme-driver", {ALIBABA: _W}, "the driver stornvme (NVMe disk) is not ready: {state}",
        "new instance families (c8i, r9i) have NVMe disks only: Windows does not start on them",
        "choose a family with virtio disks, or on the source: `sc.exe config stornvme start= boot`", "alibaba.md 3.2",
    ),
    Case(
        "critical-device", _W, "CriticalDeviceDatabase has no entry for virtio's disk, and Windows {version} needs one",
        _STOP, _INSTALL + " on a machine that has such a disk attached once", "field.md 4.5",
    ),
    Case(
        "boot-files", _B, "it will be imported as a {mode} machine, and {lack}",
        "Windows's boot manager does not come up: \"BOOTMGR is missing\", or no bootable device",
        "on the source: `bcdboot C:\\Windows /f {firmware}`; or import with the other --boot-mode", "field.md 4.1, 4.5",
    ),
    Case(
        "not-generalized", _I, "Windows is set up for one machine ({state})",
        "every machine made of the image has the same name and SID; right for one machine that moves",
        "for a template: `sysprep /generalize /oobe /shutdown`, and export after that", "field.md 4.2",
    ),
    Case(
        "pagefile", _W, "the page file is on {drive}, a disk that does not come along",
        "Windows starts with a temporary page file and complains at every logon",
        "on the source: let Windows manage the page file on C:", "field.md 4.5",
    ),
    Case(
        "desktop-edition", {ALIBABA: _W}, "{product} is a desktop edition",
        "ECS's guide takes server editions only", "use a server edition, or ask the vendor first",
        "alibaba.md 3.2 (2021, not checked again)",
    ),
    Case(
        "remote-desktop-off", _W, "remote desktop is switched off", "the only way in is the cloud's console",
        "on the source: `reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\" /v fDenyTSConnections /t "
        "REG_DWORD /d 0 /f`, and open the firewall for it", "alibaba.md 3.2",
    ),
    Case(
        "activation", _I, "Windows will not be activated there: its activation server stays in the old cloud",
        {TENCENT: "Tencent does not activate imported Windows, and never exports it again",
         ANY: "licence and activation server (KMS) change with the cloud"},
        "bring a licence of your own (--license BYOL), or set the new cloud's KMS server: `slmgr /skms SERVER & slmgr /ato`",
        "field.md 4.2; alibaba.md 2.2",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    windows = guest.facts.windows
    if windows is None:
        return
    if guest.target.source_cloud != guest.target_cloud:
        yield Hit("activation", "Windows")
    yield from _drivers(windows)
    yield from _boot_files(windows, guest)
    if "GENERALIZE" not in windows.setup_state.upper():
        yield Hit("not-generalized", "sysprep", {"state": windows.setup_state or "no sysprep state"})
    for path in windows.pagefiles:
        if path[1:2] == ":" and path[0].isalpha() and path[0].upper() != "C":
            yield Hit("pagefile", "PagingFiles", {"drive": path[:2].upper()})
    if windows.installation == "Client":
        yield Hit("desktop-edition", "Windows", {"product": windows.product or "this Windows"})
    if windows.remote_desktop is False:
        yield Hit("remote-desktop-off", "Terminal Server")


def _drivers(windows: Windows) -> Iterator[Hit]:
    disk = _not_ready(windows, "viostor", {_BOOT_START})
    if disk:
        yield Hit("storage-driver", "viostor", {"state": disk})
    elif _numbers(windows.version) < _DRIVER_STORE and not windows.critical_devices:
        yield Hit("critical-device", "CriticalDeviceDatabase", {"version": windows.version or "of an unknown version"})
    card = _not_ready(windows, "netkvm", {0, 1, 2, 3})
    if card:
        yield Hit("network-driver", "netkvm", {"state": card})
    nvme = _not_ready(windows, "stornvme", {_BOOT_START})
    if nvme:
        yield Hit("nvme-driver", "stornvme", {"state": nvme})


def _not_ready(windows: Windows, name: str, good: set[int]) -> str:
    """Why a driver will not do; empty where it will."""
    service = windows.services.get(name)
    if service is None:
        is_other = name == "viostor" and "vioscsi" in windows.services
        return "it is not installed" + (" (vioscsi is, and serves another kind of disk)" if is_other else "")
    if service.start not in good:
        return f"it starts `{_STARTS.get(service.start, str(service.start))}`, not `{_STARTS[min(good)]}`"
    return "its file is missing" if service.has_file is False else ""


def _numbers(version: str) -> tuple[int, ...]:
    """A version to compare; one that is not known counts as new."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() and len(part) < 10 for part in parts) else (99,)


def _boot_files(windows: Windows, guest: Guest) -> Iterator[Hit | Unseen]:
    mode = guest.boot_mode
    words = {"mode": mode.upper(), "firmware": mode.upper()}
    if mode == "uefi":
        if guest.facts.boot is None or not guest.facts.boot.is_esp_seen:
            yield Unseen("the EFI system partition's files could not be looked at")
        elif "uefi" not in windows.boot_configurations:
            yield Hit("boot-files", "EFI/Microsoft/Boot/BCD", {**words, "lack": "EFI/Microsoft/Boot/BCD is missing"})
    elif windows.has_boot_manager is None:
        yield Unseen("the partition that Windows starts from could not be looked at")
    elif not windows.has_boot_manager:
        yield Hit("boot-files", "bootmgr", {**words, "lack": "bootmgr is missing"})
    elif "bios" not in windows.boot_configurations:
        yield Hit("boot-files", "Boot/BCD", {**words, "lack": "Boot/BCD is missing"})


G12: Final = Rule(
    id="G12",
    title="Windows has its drivers, its boot files, and a state to be copied",
    looks_at="the registry's current control set, driver files, BCD and bootmgr, sysprep's state, page file, remote desktop",
    cases=_CASES,
    look=_look,
    areas=("windows",),
    systems=frozenset({"windows"}),
)
