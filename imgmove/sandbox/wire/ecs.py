"""The ECS service (version 2014-05-26) as a wire: its actions and errors put together."""

from __future__ import annotations

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.wire.alibaba_rpc import RpcWire, Service
from imgmove.sandbox.wire.ecs_copy import COPY_ACTIONS
from imgmove.sandbox.wire.ecs_create import CREATE_ACTIONS
from imgmove.sandbox.wire.ecs_describe_images import DESCRIBE_IMAGE_ACTIONS
from imgmove.sandbox.wire.ecs_errors import ECS_ERRORS
from imgmove.sandbox.wire.ecs_export import EXPORT_ACTIONS, reword_for_2017
from imgmove.sandbox.wire.ecs_images import IMAGE_ACTIONS
from imgmove.sandbox.wire.ecs_import import IMPORT_ACTIONS
from imgmove.sandbox.wire.ecs_inventory import INVENTORY_ACTIONS
from imgmove.sandbox.wire.ecs_tasks import TASK_ACTIONS
from imgmove.sandbox.world import World

ECS = Service(
    name="ecs",
    code="ecs",
    product="Ecs",
    host="ecs.aliyuncs.com",
    version="2014-05-26",
    actions={
        **EXPORT_ACTIONS,
        **IMPORT_ACTIONS,
        **CREATE_ACTIONS,
        **COPY_ACTIONS,
        **DESCRIBE_IMAGE_ACTIONS,
        **IMAGE_ACTIONS,
        **TASK_ACTIONS,
        **INVENTORY_ACTIONS,
    },
    errors=ECS_ERRORS,
    denied="Forbidden.RAM",
    denied_by_action={"CopyImage": "Forbbiden"},
    reword=reword_for_2017,
)


class EcsWire(RpcWire):
    """ECS over the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(ECS, world, clock)
