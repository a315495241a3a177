"""The way between two services: the smallest format that works."""

from dataclasses import replace

import pytest

from imgmove.app.route import Route, choose_route
from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Operation
from imgmove.testing.memory_compute import memory_abilities

RAW, QCOW2, VHD, VMDK, TGZ = DiskFormat.RAW, DiskFormat.QCOW2, DiskFormat.VHD, DiskFormat.VMDK, DiskFormat.RAW_TAR_GZ


def service(exports: tuple[DiskFormat, ...], imports: tuple[DiskFormat, ...], *, packs: bool = False) -> Abilities:
    base = memory_abilities()
    export = replace(base.operations[Operation.EXPORT], formats=exports, written_as={RAW: TGZ} if packs else {})
    import_ = replace(base.operations[Operation.IMPORT], formats=imports)
    return replace(base, operations={Operation.EXPORT: export, Operation.IMPORT: import_})


@pytest.mark.parametrize(
    ("exports", "packs", "imports", "wanted", "route"),
    [
        ((RAW, QCOW2, VHD), False, (RAW, QCOW2), None, Route(QCOW2, QCOW2, QCOW2)),
        ((RAW,), True, (RAW, QCOW2), None, Route(RAW, TGZ, QCOW2)),
        ((RAW,), True, (RAW,), None, Route(RAW, TGZ, RAW)),
        ((RAW,), False, (QCOW2,), None, Route(RAW, RAW, QCOW2)),
        ((VHD, VMDK), False, (VHD, VMDK), None, Route(VMDK, VMDK, VMDK)),
        ((RAW, QCOW2), False, (RAW, QCOW2), RAW, Route(RAW, RAW, RAW)),
        ((RAW,), False, (RAW, VHD), None, Route(RAW, RAW, RAW)),
        ((RAW,), True, (RAW, VHD), None, Route(RAW, TGZ, RAW)),
        ((RAW,), True, (VHD,), None, Route(RAW, TGZ, VHD)),
        ((RAW, VHD), False, (RAW, VHD), None, Route(VHD, VHD, VHD)),
    ],
)
def test_routes(
    exports: tuple[DiskFormat, ...],
    packs: bool,
    imports: tuple[DiskFormat, ...],
    wanted: DiskFormat | None,
    route: Route,
) -> None:
    assert choose_route(service(exports, (), packs=packs), "a", service((), imports), "b", wanted) == route


def test_where_there_is_no_way_both_sides_are_named() -> None:
    with pytest.raises(ImgmoveError) as caught:
        choose_route(service((VHD,), ()), "a", service((), (QCOW2,)), "b")
    assert caught.value.kind is Kind.UNSUPPORTED
    assert "vhd" in caught.value.message
    assert "qcow2" in caught.value.message
