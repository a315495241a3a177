"""The cloud object: what it hands out, what it refuses, and that naming it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from imgmove.clouds.tencent import cloud
from imgmove.core.abilities import Lookup
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


def test_what_it_hands_out(settings: Settings) -> None:
    assert cloud.compute("tencent", "ap-guangzhou", settings).region == "ap-guangzhou"
    assert cloud.compute("ecm", "", settings).abilities.provider == "ecm"
    assert cloud.store("cos", "b-125", "ap-guangzhou", settings).bucket == "b-125"
    assert cloud.aliases == {"cvm": "tencent", "tencent-ecm": "ecm"}


def test_what_it_refuses(settings: Settings) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: cloud.compute("lighthouse", "ap-guangzhou", settings),
        lambda: cloud.compute("tencent", "", settings),
        lambda: cloud.compute("tencent", "ap guangzhou", settings),
        lambda: cloud.compute("ecm", "ap.guangzhou", settings),
        lambda: cloud.store("oss", "b-125", "ap-guangzhou", settings),
        lambda: cloud.store("cos", "b", "ap-guangzhou", settings),
        lambda: cloud.store("cos", "b-125", "evil.example.com/", settings),
    ]
    for call in wrong:
        error = fails(call)
        assert (error.kind, error.exit_code) == (Kind.USAGE, 2)
        assert error.hint


def test_without_keys_nothing_is_handed_out(settings: Settings) -> None:
    bare = replace(settings, environment={})
    for call in (
        lambda: cloud.compute("tencent", "ap-guangzhou", bare),
        lambda: cloud.compute("ecm", "", bare),
        lambda: cloud.store("cos", "b-125", "ap-guangzhou", bare),
    ):
        assert fails(call).kind is Kind.DENIED


def test_what_the_services_say_of_themselves() -> None:
    cvm, ecm = cloud.services["tencent"], cloud.services["ecm"]
    assert cvm.ability(Operation.EXPORT).lookup is Lookup.INCONCLUSIVE
    assert cvm.ability(Operation.IMPORT).lookup is Lookup.CONCLUSIVE
    error = fails(lambda: ecm.ability(Operation.EXPORT))
    assert (error.kind, "imgmove copy" in error.hint) == (Kind.UNSUPPORTED, True)
    assert ecm.region_optional
    assert not cvm.region_optional


def test_naming_it_loads_no_sdk() -> None:
    code = (
        "import sys, imgmove.clouds.tencent as t; t.cloud.error_table(); t.cloud.services; "
        "print([name for name in ('tencentcloud', 'qcloud_cos', 'requests', 'urllib3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
