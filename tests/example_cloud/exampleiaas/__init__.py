"""A third party's cloud for imgmove, from a package of its own: the example of docs/how-to/add-a-cloud.md.

Its services live in memory (`imgmove.testing`); a real one would import its SDK inside `compute` and `store`. What makes
it a cloud of imgmove is the entry point beside this package:

    [imgmove.clouds]
    example = exampleiaas:cloud
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from imgmove.core.abilities import Abilities
from imgmove.core.errors import usage_error
from imgmove.core.ports import ComputeProvider, ErrorRow, ObjectStore
from imgmove.core.settings import Settings
from imgmove.testing.memory_compute import MemoryCompute, MemoryWorld, memory_abilities

EXAMPLE: Abilities = replace(
    memory_abilities(), provider="example", title="Example IaaS", store_scheme="memory", transfer_from=("example",)
)


class ExampleCloud:
    name = "exampleiaas"
    services: Mapping[str, Abilities] = {"example": EXAMPLE}
    aliases: Mapping[str, str] = {"ex": "example"}
    stores: tuple[str, ...] = ("memory",)
    endpoint_services: tuple[str, ...] = ("EXAMPLE",)
    region_variables: tuple[str, ...] = ("EXAMPLE_REGION",)

    def __init__(self) -> None:
        self.world = MemoryWorld(time.monotonic, duration_seconds=0.0)
        self.world.add_image("seed")
        self.world.add_instance()

    def compute(self, provider: str, region: str, settings: Settings) -> ComputeProvider:
        return MemoryCompute(self.world, self.services[provider], region)

    def store(self, scheme: str, bucket: str, region: str, settings: Settings) -> ObjectStore:
        return self.world.store(bucket)

    def check_bucket_name(self, scheme: str, bucket: str) -> None:
        if not bucket.isalnum():
            raise usage_error(f"{bucket!r} is no bucket of {scheme}://", "letters and digits only")

    def default_region(self, settings: Settings) -> str:
        return "here"

    def error_table(self) -> Sequence[ErrorRow]:
        return (ErrorRow("EXAMPLE", "NoSuchImage", "not_found", "there is no such image", "check the id"),)


cloud = ExampleCloud()
