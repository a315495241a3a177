"""The world: everything that the two emulated clouds hold, behind one lock.

`World` joins the sections `accounts`, `objects`, `tencent` and `alibaba`. Every section is a class that is
constructed with the world, and keeps all that has to survive a restart in one attribute, `state`: a plain
dataclass (made by calling `Section.State()`) of str, int, float, bool, list, dict, None and dataclasses.
A section calls `world.changed()` after every change of its state.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.faults import FaultPlan

if TYPE_CHECKING:
    from imgmove.sandbox.world.accounts import Accounts
    from imgmove.sandbox.world.alibaba import Alibaba
    from imgmove.sandbox.world.objects import Objects
    from imgmove.sandbox.world.tencent import Tencent

SECTIONS = ("accounts", "objects", "tencent", "alibaba")


class World:
    """Both clouds' contents. `root` is the directory that holds `blobs/` (objects) and `incoming/` (bodies).

    All access goes under `lock`, a re-entrant lock: the wires take it, the sections rely on it. `durable` says
    that the state is written to disk, after each change, by somebody who then calls `purge`.
    """

    accounts: Accounts
    objects: Objects
    tencent: Tencent
    alibaba: Alibaba

    def __init__(self, root: Path, clock: Clock, faults: FaultPlan, *, durable: bool = False) -> None:
        from imgmove.sandbox.world.accounts import Accounts
        from imgmove.sandbox.world.alibaba import Alibaba
        from imgmove.sandbox.world.objects import Objects
        from imgmove.sandbox.world.tencent import Tencent

        self.root = root
        self.clock = clock
        self.faults = faults
        self.lock = threading.RLock()
        self.version = 0
        """Counts the changes; what persistence compares to know whether there is something to write."""
        self._durable = durable
        self._discarded: list[tuple[int, Path]] = []
        self.blobs = root / "blobs"
        self.incoming = root / "incoming"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.incoming.mkdir(exist_ok=True)
        self.accounts = Accounts(self)
        self.objects = Objects(self)
        self.tencent = Tencent(self)
        self.alibaba = Alibaba(self)

    def clear(self) -> None:
        """Empties all sections. The files stay until they are swept."""
        with self.lock:
            for name in SECTIONS:
                section = getattr(self, name)
                section.state = type(section).State()
            self.changed()

    def changed(self) -> None:
        """Notes that the state has changed, so that it is written before the request in hand is answered."""
        with self.lock:
            self.version += 1

    def discard(self, path: Path) -> None:
        """Removes a file that the state no longer names; to be called before `changed`. Absent is fine.

        In a durable world the file goes once the state without it is on disk: whatever a SIGKILL leaves behind,
        every file that it names is there.
        """
        if not self._durable:
            path.unlink(missing_ok=True)
            return
        with self.lock:
            self._discarded.append((self.version, path))

    def purge(self, saved_version: int) -> None:
        """Removes what was discarded before this version of the state, which is on disk now."""
        with self.lock:
            ready = [path for version, path in self._discarded if version < saved_version]
            self._discarded = [entry for entry in self._discarded if entry[0] >= saved_version]
        for path in ready:
            path.unlink(missing_ok=True)
