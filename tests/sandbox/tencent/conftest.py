"""A small Tencent cloud of its own for each test, served over HTTP."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.accounts import Account, Key, Role
from tests.sandbox.tencent.cloud import APP_ID, OTHER_UIN, SECRET, SECRET_ID, TRUST_CVM, UIN, Cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An account with a bucket and the role CVM_QcsRole, and nothing else; its own time stands still."""
    with Sandbox(seed=None) as sandbox:
        sandbox.clock.freeze()
        accounts = sandbox.world.accounts
        accounts.add(Account("tencent", UIN, APP_ID))
        accounts.add(Account("tencent", OTHER_UIN, "1250000002"))
        accounts.add_key(Key("tencent", SECRET_ID, SECRET, UIN, f"qcs::cam:{UIN}:uin/{UIN}"))
        accounts.add_role(
            Role(
                "tencent",
                UIN,
                "CVM_QcsRole",
                "4611686018000000001",
                ["cvm.qcloud.com"],
                TRUST_CVM,
                ["QcloudCOSFullAccess"],
            )
        )
        sandbox.world.tencent.settings.rate_limits = False  # tests are faster than operators
        cloud = Cloud(sandbox, tmp_path)
        cloud.bucket()
        yield cloud


@pytest.fixture(scope="session")
def judge() -> Callable[[str], str]:
    """The path of an official command line, or a skip where the judges are not installed."""
    places = [os.environ.get("IMGMOVE_JUDGES_BIN"), str(Path(__file__).parents[3] / ".venv-judges" / "bin")]

    def find(name: str) -> str:
        for place in filter(None, places):
            path = shutil.which(name, path=place)
            if path:
                return path
        pytest.skip(f"{name} is not installed: set IMGMOVE_JUDGES_BIN, or run `make test`, which installs it")

    return find
