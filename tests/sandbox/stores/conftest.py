"""One sandbox for all store tests, and the clients that the contract suite runs through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from imgmove.sandbox import Sandbox
from tests.sandbox.stores import worlds
from tests.sandbox.stores.clients import CosStore, OssStore, Store, oss_auth
from tests.sandbox.stores.worlds import Credentials

numbers = count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox with the tests' world, shared: every test uses keys of its own."""
    with Sandbox(seed=worlds.fill) as running:
        yield running


@pytest.fixture
def key() -> str:
    """An object key that no other test uses, with everything in it that has to be encoded."""
    return f"t{next(numbers)}/a b+c&d=ü%41?#'x\".img"


@pytest.fixture
def cos(sandbox: Sandbox) -> CosStore:
    """The COS SDK as the account's own user."""
    return CosStore(sandbox.endpoint("cos"), worlds.TENCENT, worlds.COS_BUCKET)


@pytest.fixture
def oss(sandbox: Sandbox) -> OssStore:
    """oss2 with version 4 as the account's own user."""
    return OssStore(sandbox.endpoint("oss"), worlds.ALIBABA_KEY, worlds.OSS_BUCKET)


def _cos(sandbox: Sandbox, who: Credentials) -> Store:
    return CosStore(sandbox.endpoint("cos"), who, worlds.COS_BUCKET)


def _oss(version: str) -> Callable[[Sandbox, Credentials], Store]:
    def make(sandbox: Sandbox, who: Credentials) -> Store:
        return OssStore(sandbox.endpoint("oss"), who, worlds.OSS_BUCKET, oss_auth(version))

    return make


MAKERS: dict[str, tuple[str, Callable[[Sandbox, Credentials], Store]]] = {
    "cos": ("tencent", _cos),
    "oss-v1": ("alibaba", _oss("v1")),
    "oss-v2": ("alibaba", _oss("v2")),
    "oss-v4": ("alibaba", _oss("v4")),
}


@pytest.fixture(params=[*MAKERS, "cos-token", "oss-v1-token", "oss-v4-token"])
def store(request: pytest.FixtureRequest, sandbox: Sandbox) -> Store:
    """Each official client in turn, with permanent and with temporary keys."""
    name = str(request.param)
    vendor, make = MAKERS[name.removesuffix("-token")]
    account = worlds.UIN if vendor == "tencent" else worlds.ALIBABA
    own = worlds.TENCENT if vendor == "tencent" else worlds.ALIBABA_KEY
    return make(sandbox, worlds.temporary(sandbox, vendor, account) if name.endswith("-token") else own)


@pytest.fixture(params=["cos", "oss-v4"])
def either(request: pytest.FixtureRequest, sandbox: Sandbox) -> Store:
    """Each vendor's client once, for what does not depend on signatures."""
    vendor, make = MAKERS[str(request.param)]
    return make(sandbox, worlds.TENCENT if vendor == "tencent" else worlds.ALIBABA_KEY)
