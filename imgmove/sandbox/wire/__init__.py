"""The vendors' wire protocols: one module a service, each a `Wire` (see `imgmove.sandbox.http`) over the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgmove.sandbox.clock import Clock
    from imgmove.sandbox.http import Wire
    from imgmove.sandbox.world import World


def make_wires(world: World, clock: Clock) -> dict[str, Wire]:
    """The wires of all services by name, in the order of `SERVICES`."""
    from imgmove.sandbox.wire.alibaba_sts import AlibabaStsWire
    from imgmove.sandbox.wire.cam import Cam
    from imgmove.sandbox.wire.cos import Cos
    from imgmove.sandbox.wire.cvm import Cvm
    from imgmove.sandbox.wire.ecm import Ecm
    from imgmove.sandbox.wire.ecs import EcsWire
    from imgmove.sandbox.wire.oss import Oss
    from imgmove.sandbox.wire.ram import RamWire
    from imgmove.sandbox.wire.tencent_sts import TencentSts

    return {
        "cvm": Cvm(world, clock),
        "ecm": Ecm(world, clock),
        "cam": Cam(world, clock),
        "tencent_sts": TencentSts(world, clock),
        "cos": Cos(world, clock),
        "ecs": EcsWire(world, clock),
        "ram": RamWire(world, clock),
        "alibaba_sts": AlibabaStsWire(world, clock),
        "oss": Oss(world, clock),
    }
