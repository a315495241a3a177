"""What lies in a partition or a volume, told by its magic numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from imgmove.images.reading.device import Device, DeviceError
from imgmove.images.reading.superblocks import ext, fat, ntfs, others, xfs
from imgmove.images.reading.superblocks.signature import Signature

Look = Callable[[Device], Signature | None]

UNKNOWN: Final = Signature("")
#: What holds others comes first: a file system that stood there before may still be seen behind its header. Swap comes
#: after file systems, which leave its place as it was. What is far away is looked for last.
_LOOKS: Final[tuple[Look, ...]] = (
    others.look_luks, others.look_containers,
    xfs.look, ntfs.look, ext.look, others.look_file_systems, others.look_swap, fat.look,
    others.look_zfs, others.look_raid_at_end,
)  # fmt: skip


def recognise(device: Device, *, role: str = "") -> Signature:
    """What lies on `device`; its kind is empty where nobody knows. `role` is what the partition's type means."""
    if role == "raid" and (found := _tried(others.look_raid_at_end, device)):
        return found
    for look in _LOOKS:
        found = _tried(look, device)
        if found is not None:
            return found
    return UNKNOWN


def _tried(look: Look, device: Device) -> Signature | None:
    """A place that cannot be read holds nothing that we could know."""
    try:
        return look(device)
    except DeviceError:
        return None
