"""The way an image takes: the format it is exported in, what becomes of it on the way, and the format it is imported in.

Chosen by itself from what the source can export and the destination can import: the smallest that works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Operation
from imgmove.images.convert import can_convert

#: How many bytes a format makes of the same disk, smallest first: what is sparse comes before what is not.
_BY_SIZE: Final = (DiskFormat.QCOW2, DiskFormat.VMDK, DiskFormat.VDI, DiskFormat.VHD, DiskFormat.RAW)


@dataclass(frozen=True)
class Route:
    """`exported` is what the source is asked for, `arrives` what it then writes, `imported` what the destination gets."""

    exported: DiskFormat
    arrives: DiskFormat
    imported: DiskFormat

    @property
    def converts(self) -> bool:
        return self.arrives is not self.imported

    def describe(self) -> str:
        return (
            f"{self.arrives.value}, turned into {self.imported.value} on the way"
            if self.converts
            else self.arrives.value
        )


def choose_route(
    source: Abilities, source_region: str, destination: Abilities, dest_region: str, wanted: DiskFormat | None = None
) -> Route:
    """The route for an image, ending in `wanted` if given. UNSUPPORTED, with what each side can do, where there is none."""
    exports = source.formats(Operation.EXPORT, source_region)
    imports = destination.formats(Operation.IMPORT, dest_region)
    routes = [
        Route(exported, arrives, imported)
        for exported in exports
        for arrives in (written_as(source, exported),)
        for imported in imports
        if wanted in {None, imported} and (arrives is imported or can_convert(arrives, imported))
    ]
    if not routes:
        raise ImgmoveError(
            Kind.UNSUPPORTED,
            f"{source.title} in {source_region} exports {_listed(exports)}, {destination.title} imports {_listed(imports)}"
            + (f", and {wanted.value} was asked for" if wanted else "") + ": there is no way between them",
            code="NoRoute", hint="leave out --format, or convert a copy by hand with qemu-img",
        )  # fmt: skip
    return min(routes, key=_cost)


def written_as(source: Abilities, exported: DiskFormat) -> DiskFormat:
    """What the service really writes when asked for a format: ECS packs raw disks into an archive (alibaba.md 4)."""
    return source.ability(Operation.EXPORT).written_as.get(exported, exported)


def _cost(route: Route) -> tuple[int, int]:
    """First what arrives at the destination, then what leaves the source; an archive is small like qcow2."""
    left = 0 if route.arrives is DiskFormat.RAW_TAR_GZ else _BY_SIZE.index(route.arrives)
    is_fixed_vhd = route.converts and route.imported is DiskFormat.VHD  # written in one pass: larger than raw
    right = len(_BY_SIZE) if is_fixed_vhd else _BY_SIZE.index(route.imported)
    return right, left + route.converts


def _listed(formats: tuple[DiskFormat, ...]) -> str:
    return ", ".join(item.value for item in formats) or "nothing"
