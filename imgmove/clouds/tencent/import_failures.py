"""Why an import may fail, and what to do: CVM tells the reason in its message centre alone (tencent.md 1.2, 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ImportFailure:
    """A reason that the message centre may name."""

    code: str
    meaning: str
    remedy: str


IMPORT_FAILURES: Final = (
    ImportFailure("InvalidUrl", "the object's link could not be used",
                  "import again (a fresh link is signed), from a bucket in the region of the image"),
    ImportFailure("InvalidFormatSize", "format or size is not allowed",
                  "convert to qcow2; at most 50 GB of data and 500 GB of disk"),
    ImportFailure("VirtioNotInstall", "there is no virtio driver",
                  "add virtio_blk and virtio_net to the initramfs, and rebuild it"),
    ImportFailure("PartitionNotPresent", "there is no usable partition table", "make an image of the whole disk"),
    ImportFailure("CloudInitNotInstalled", "cloud-init is missing", "install it, or use --force"),
    ImportFailure("RootPartitionNotFound", "no root file system was found", "check LVM, file system and partitions"),
    ImportFailure("InternalError", "the vendor's side failed", "try again, then open a support ticket"),
)  # fmt: skip


def import_failure_hint() -> str:
    """All reasons in one line, with their remedies."""
    listed = "; ".join(f"{item.code} ({item.meaning}): {item.remedy}" for item in IMPORT_FAILURES)
    return f"CVM names the reason in the message centre of the console alone; it is one of: {listed}"
