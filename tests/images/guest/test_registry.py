"""Registry hives: read as libregf reads them, in a few cells, and whatever is in them."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyregf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.images.guest.collect.registry import Hive, Key, RegistryError
from tests.images.guest.hives import hive as hive_with_lf
from tests.images.real.guests.hive import hive as hive_with_lh

TREE: dict[str, Any] = {
    "Select": {"Current": 3, "Default": 1},
    "ControlSet003": {
        "Services": {
            **{f"service{number}": {"Start": number % 5} for number in range(300)},
            "viostor": {"Start": 0, "ImagePath": r"system32\drivers\viostor.sys", "Tags": ["a", "bc"]},
        },
        "Sizes": {"long": "x" * 3000, "empty": ""},
    },
}
BIG: dict[str, Any] = {"A": {f"key{number}": {"text": "x" * 900} for number in range(4000)}, "B": {"number": 7}}


class Counted:
    """A hive's bytes, and how many of them were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.read_bytes = data, 0

    def __call__(self, offset: int, length: int) -> bytes:
        found = self.data[offset : offset + length]
        self.read_bytes += len(found)
        return found


def opened(data: bytes) -> Hive:
    return Hive(Counted(data))


@pytest.fixture(params=[hive_with_lf, lambda tree: hive_with_lh("SYSTEM", tree)], ids=["lf", "lh"])
def system(request: pytest.FixtureRequest) -> bytes:
    data: bytes = request.param(TREE)
    return data


def theirs(data: bytes, path: str) -> Iterator[tuple[str, int, bytes]]:
    """Name, type and data of the values of a key, as libregf reads them."""
    file = pyregf.file()
    file.open_file_object(io.BytesIO(data))
    key = file.get_key_by_path("\\" + path)
    for index in range(key.number_of_values):
        value = key.get_value(index)
        yield value.name, value.type, value.data or b""


@pytest.mark.parametrize(
    "path", ["Select", r"ControlSet003\Services\viostor", r"controlset003\SERVICES\service299", r"ControlSet003\Sizes"]
)
def test_values_are_those_that_libregf_reads(system: bytes, path: str) -> None:
    key = opened(system).key(path)
    assert key is not None
    for name, kind, data in theirs(system, path):
        if kind == 4:
            assert key.number(name) == struct.unpack("<I", data)[0]
        else:
            words = [text for text in data.decode("utf-16-le").split("\0") if text]
            assert [text[:239] for text in words] == [text[:239] for text in key.texts(name)]


def test_names_of_subkeys(system: bytes) -> None:
    key = opened(system).key(r"ControlSet003\Services")
    assert key is not None
    assert set(key.subkey_names()) == set(TREE["ControlSet003"]["Services"])


@pytest.mark.parametrize("path", ["Nothing", r"Select\Below", r"ControlSet003\Services\viostor2", ""])
def test_what_is_not_there(system: bytes, path: str) -> None:
    assert opened(system).key(path) is None


def test_a_large_hive_is_not_read_from_end_to_end() -> None:
    data = Counted(hive_with_lh("SOFTWARE", BIG))
    key = Hive(data).key("B")
    assert key is not None
    assert key.number("number") == 7
    assert data.read_bytes < 2000 < len(data.data) // 1000


def everything(data: bytes) -> None:
    """All that is asked of hives, of these bytes."""
    found = opened(data)
    for path in ("Select", r"ControlSet003\Services\viostor", r"ControlSet003\Sizes"):
        key = found.key(path)
        if key is not None:
            ask(key)


def ask(key: Key) -> None:
    for name in ("Current", "Start", "ImagePath", "Tags", "long"):
        key.number(name), key.text(name), key.texts(name)
    for _ in key.subkey_names():
        pass


@given(seed=st.integers(0, 2**32), places=st.integers(1, 40))
def test_changed_hives_cost_themselves_only(seed: int, places: int) -> None:
    chance = random.Random(seed)
    data = bytearray(hive_with_lh("SYSTEM", TREE))
    for _ in range(places):
        data[chance.randrange(4096 if chance.random() < 0.2 else len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    with suppress(RegistryError):
        everything(bytes(data))


@given(st.binary(max_size=300))
def test_any_bytes(tail: bytes) -> None:
    with suppress(RegistryError):
        everything(b"regf" + tail)
