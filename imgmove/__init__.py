"""imgmove moves virtual machine images between Tencent Cloud (CVM, ECM) and Alibaba Cloud (ECS).

>>> from imgmove import Session
>>> Session().export(["tencent://ap-guangzhou/img-6pb6lrmy"], "backup-1250000000", disk_format="qcow2")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgmove.version import __version__

if TYPE_CHECKING:
    from imgmove.app.attendance import Attendance
    from imgmove.app.results import Result
    from imgmove.app.session import Session
    from imgmove.core.errors import ImgmoveError, Kind
    from imgmove.core.tasks import TaskState

__all__ = ["Attendance", "ImgmoveError", "Kind", "Result", "Session", "TaskState", "__version__"]

_HOMES = {
    "Attendance": "imgmove.app.attendance",
    "ImgmoveError": "imgmove.core.errors",
    "Kind": "imgmove.core.errors",
    "Result": "imgmove.app.results",
    "Session": "imgmove.app.session",
    "TaskState": "imgmove.core.tasks",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: `imgmove --version` must not pay for them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'imgmove' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
