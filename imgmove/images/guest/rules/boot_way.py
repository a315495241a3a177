"""G02: the machine can start in the boot mode that it is imported with: partition table, boot code, ESP, fallback loader."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen
from imgmove.images.guest.rules.guest import Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
_FALLBACKS: Final = {"x86_64": "bootx64.efi", "arm64": "bootaa64.efi", "i386": "bootia32.efi"}
#: Boot code that starts whatever partition is marked active.
_NEEDS_ACTIVE: Final = frozenset({"windows", "syslinux"})
_BIOS: Final = 'it will be imported as a BIOS machine, and BIOS finds nothing to start: "no bootable device"'

_CASES: Final = (
    Case(
        "no-partition-table", _B, "the disk has no partition table",
        {TENCENT: "CVM refuses it (PartitionNotPresent); the reason comes by mail only, after the whole upload",
         ECM: "the import refuses it as CVM does (PartitionNotPresent)",
         ANY: "the import takes disks with an MBR or a GPT; a bare file system does not start"},
        "make the image of the whole disk (`/dev/vda`, not `/dev/vda1`) and export again",
        "tencent.md 7.3; alibaba.md 3.2",
    ),
    Case(
        "damaged-table", _W, "the partition table is damaged: {problem}",
        "importers and firmware read it more strictly than a running system does, and may refuse or reorder partitions",
        "on the source: `sgdisk -v /dev/vda` for a GPT (`sgdisk -e` moves the backup to the end), `sfdisk --verify /dev/vda` "
        "for an MBR", "field.md 4.1",
    ),
    Case(
        "hybrid-table", _I, "the disk has a GPT and partitions of its own in the MBR",
        "BIOS and UEFI see different tables; nothing to do while both name the same partitions",
        "`gdisk /dev/vda`, then x, n, w writes a plain protective MBR", "field.md 4.1",
    ),
    Case(
        "needs-uefi", _B, "the image starts with UEFI only, and will be imported as a BIOS machine ({lack})",
        _BIOS,
        {ECM: "ECM's import takes no boot mode: install GRUB for BIOS on the source (a 1 MiB partition of type "
              "ef02, then `grub-install --target=i386-pc /dev/vda`) and export again",
         ANY: "import with --boot-mode uefi"},
        "tencent.md 2.1; alibaba.md 2.2; field.md 4.1",
    ),
    Case(
        "needs-bios", _B, "the image has no EFI system partition, and will be imported as a UEFI machine",
        "UEFI firmware starts a loader from an EFI system partition and nothing else: \"no bootable device\"",
        "import with --boot-mode bios", "field.md 4.1; alibaba.md 2.2",
    ),
    Case(
        "no-esp", _B, "the image has no EFI system partition, and starts with UEFI only",
        "UEFI firmware starts a loader from an EFI system partition and nothing else: \"no bootable device\"",
        "on the source: make a FAT partition of type ef00, mount it at /boot/efi, `grub-install --target={grub} --removable`",
        "field.md 4.1; alibaba.md 3.2",
    ),
    Case(
        "fallback-loader-missing", _B, "the EFI system partition has no EFI/BOOT/{fallback}{others}",
        "the new machine's firmware has none of the boot entries of the old one (they lie in variables, not on the disk): it "
        "looks for this one file, and stops",
        "on the source: `grub-install --target={grub} --efi-directory=/boot/efi --removable`, or copy the loader: `mkdir -p "
        "/boot/efi/EFI/BOOT && cp /boot/efi/{loader} /boot/efi/EFI/BOOT/{fallback}` (with shim, copy grub and mm there too)",
        "field.md 4.1, 4.2 (migration-manager#372)",
    ),
    Case(
        "no-boot-code", _B, "the MBR holds no boot code", _BIOS,
        "on the source: `grub-install --target=i386-pc /dev/vda` (`grub2-install` on RPM systems)", "field.md 4.1",
    ),
    Case(
        "no-bios-boot-partition", _B, "the disk is a GPT without a BIOS boot partition, and GRUB's boot code needs one",
        _BIOS + "; GRUB's second half has no place of its own on a GPT",
        "on the source: `sgdisk -n 0:0:+1M -t 0:ef02 /dev/vda && grub-install --target=i386-pc /dev/vda`",
        "field.md 4.5",
    ),
    Case(
        "no-active-partition", _B, "no partition is marked active, and the boot code ({code}) starts the active one", _BIOS,
        "on the source: `sfdisk --activate /dev/vda 1` (Windows: `diskpart`, select the system partition, `active`)",
        "field.md 4.5",
    ),
    Case(
        "arm-needs-uefi", {ALIBABA: _B, ANY: _W}, "an arm64 guest is to be imported as a BIOS machine",
        {ALIBABA: "ECS refuses it (InvalidBootMode): arm64 accepts nothing but UEFI", ANY: "arm64 machines have no BIOS"},
        "import with --boot-mode uefi", "alibaba.md 2.2, 3.2",
    ),
    Case(
        "gpt-unconfirmed", {TENCENT: _W, ECM: _W}, "the disk has a GPT",
        "Tencent's guide to importing says MBR only; it is older than the API's BootMode, and nobody has confirmed either",
        "try it: nothing speaks against it but the guide. For certainty convert to MBR on the source: `gdisk /dev/vda`, then r, "
        "g, w, and install the boot loader again", "tencent.md 3.3 (UNCONFIRMED)",
    ),
    Case(
        "uefi-unconfirmed", {TENCENT: _W, ECM: _W}, "it will be imported as a UEFI machine",
        {TENCENT: "CVM's API takes `UEFI`, its guide to importing says that EFI is not supported; not every instance type "
                  "starts it",
         ECM: "ECM's import takes no boot mode, and starts images by BIOS as far as is known"},
        {TENCENT: "choose an instance type with UEFI; with a disk that starts both ways import with --boot-mode bios",
         ECM: "prepare the disk to start by BIOS as well: a 1 MiB partition of type ef02 (GPT), then on the source "
              "`grub-install --target=i386-pc /dev/vda`"},
        "tencent.md 2.1, 3.3 (UNCONFIRMED)",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    layout = guest.layout
    if layout.table_problem:
        yield Hit("damaged-table", "partition table", {"problem": layout.table_problem})
    if not layout.table:
        yield Hit("no-partition-table", "disk")
        return
    if layout.is_hybrid:
        yield Hit("hybrid-table", "partition table")
    if layout.table == "gpt":
        yield Hit("gpt-unconfirmed", "partition table")
    if guest.boot_mode == "uefi":
        yield Hit("uefi-unconfirmed", "boot mode")
        yield from _by_uefi(guest)
    elif guest.is_arm:
        yield Hit("arm-needs-uefi", "boot mode")
        yield from _loader(guest)
    else:
        yield from _by_bios(guest)


def _has_esp(guest: Guest) -> bool:
    return any(part.role == "efi" for part in guest.layout.partitions)


def _by_uefi(guest: Guest) -> Iterator[Hit | Unseen]:
    if _has_esp(guest):
        yield from _loader(guest)
    elif next(_bios_lacks(guest), None) is None and not guest.is_arm:
        yield Hit("needs-bios", "boot mode")
    else:
        yield Hit("no-esp", "partition table", {"grub": _grub_target(guest)})


def _loader(guest: Guest) -> Iterator[Hit | Unseen]:
    """The loader that firmware without variables starts."""
    boot = guest.facts.boot
    if not boot or not boot.is_esp_seen:
        yield Unseen("the EFI system partition's files could not be looked at")
        return
    fallback = _FALLBACKS.get(guest.os.architecture, "bootx64.efi")
    if f"efi/boot/{fallback}" in boot.efi_loaders:
        return
    loaders = [path for path in boot.efi_loaders if path.endswith(".efi")]
    loader = next(
        (path for path in loaders if "shim" in path or "grub" in path or "bootmgfw" in path), "EFI/VENDOR/grubx64.efi"
    )
    others = f"; it has {', '.join(loaders[:3])}" if loaders else "; it has no loader at all"
    values = {"fallback": fallback.upper(), "others": others, "loader": quote(loader), "grub": _grub_target(guest)}
    yield Hit("fallback-loader-missing", "EFI system partition", values)


def _by_bios(guest: Guest) -> Iterator[Hit | Unseen]:
    lacks = list(_bios_lacks(guest))
    if not lacks:
        return
    if _has_esp(guest):
        words = {"no-boot-code": "the MBR holds no boot code", "no-active-partition": "no partition is active"}
        lack = words.get(lacks[0].case, "the GPT has no BIOS boot partition")
        yield Hit("needs-uefi", "boot mode", {"lack": lack})
        yield from _loader(guest)
    else:
        yield from lacks


def _bios_lacks(guest: Guest) -> Iterator[Hit]:
    """What BIOS would miss."""
    layout = guest.layout
    if not layout.has_boot_code:
        yield Hit("no-boot-code", "MBR")
    elif layout.table == "gpt" and layout.boot_code in {"", "grub"}:
        if not any(part.role == "bios-boot" for part in layout.partitions):
            yield Hit("no-bios-boot-partition", "partition table")
    elif layout.boot_code in _NEEDS_ACTIVE and not any(part.is_active for part in layout.partitions):
        yield Hit("no-active-partition", "partition table", {"code": layout.boot_code})


def _grub_target(guest: Guest) -> str:
    return "arm64-efi" if guest.is_arm else "x86_64-efi"


G02: Final = Rule(
    id="G02",
    title="The disk can start in the boot mode it is imported with",
    looks_at="partition table, MBR boot code, BIOS boot partition, EFI system partition and its fallback loader",
    cases=_CASES,
    look=_look,
    systems=frozenset(),
)
