"""Listeners for a few wires over a world of one's own, with the sandbox's own server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from imgmove.sandbox.exchange import Exchange, Surroundings
from imgmove.sandbox.http import Wire
from imgmove.sandbox.request_log import RequestLog
from imgmove.sandbox.server import Server
from imgmove.sandbox.world import World


@contextmanager
def serving(world: World, wires: Mapping[str, Wire]) -> Iterator[dict[str, int]]:
    """The port of each wire, for as long as the block runs."""
    with ThreadPoolExecutor(4) as executor:
        around = Surroundings(
            clock=world.clock,
            faults=world.faults,
            log=RequestLog(),
            executor=executor,
            incoming=world.incoming,
            persist=lambda: None,
            lose_upload=lambda upload_id: None,
        )
        server = Server({name: Exchange(name, wire, around) for name, wire in wires.items()})
        server.start()
        try:
            yield server.ports
        finally:
            server.stop()
