"""Hostile contents: facts stay bounded, whole and without secrets, whatever the files of a guest hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgmove.images.guest.collect import collect
from imgmove.images.guest.collect.access import collect_access
from imgmove.images.guest.collect.fstab import collect_fstab
from imgmove.images.guest.collect.leftovers import collect_leftovers
from imgmove.images.guest.collect.network import collect_network
from imgmove.images.guest.collect.operating_system import collect_os
from imgmove.images.guest.facts import TEXT_LIMIT, GuestFacts, bounded
from imgmove.images.guest.layout import DiskLayout
from imgmove.images.guest.rules import Target, judge
from tests.images.guest.scenes import DEBIAN, LAYOUT, ROOT, Scene, debian_files, windows
from tests.images.guest.trees import Content, MemoryTree


def test_secrets_do_not_get_into_the_facts() -> None:
    secret = "SeCrEtSeCrEt"
    files: dict[str, Content] = {
        "/etc/shadow": f"root:{secret}:1::::::\n",
        "/etc/ssh/ssh_host_rsa_key": secret,
        "/etc/machine-id": secret,
        "/etc/crypttab": f"data UUID=ab {secret} luks\n",
        "/etc/NetworkManager/system-connections/wifi": f"[wifi-security]\npsk={secret}\n",
        "/var/lib/cloud/instance/datasource": f"DataSourceX: {secret}\n",
        "/etc/pip.conf": f"index-url = https://user:{secret}@mirrors.tencentyun.com/pypi/simple\n",
        "/etc/fstab": f"//10.0.0.1/share /mnt cifs username=me,password={secret} 0 0\n",
    }
    data = msgspec.json.encode(DEBIAN.files(files).gathered)
    assert secret.encode() not in data


NUMBER = "9" * 5000
ODD = [
    "{x}",
    "{0!r}",
    "%s",
    "=",
    ":",
    "UUID=",
    "/dev/",
    "/dev/mapper/-",
    "root=",
    "\x1b[31m",
    NUMBER,
    "²",
    "a=b=c",
    "",
    "C:",
    "6.1",
]


def everything(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in everything(part)]
    return [text for item in value for text in everything(item)] if isinstance(value, list) else []


PATHS = [
    *sorted(path for path, content in debian_files().items() if isinstance(content, str)),
    "/etc/crypttab", "/etc/network/interfaces", "/etc/sysconfig/network-scripts/ifcfg-eth0", "/etc/ssh/sshd_config.d/a.conf",
    "/etc/systemd/network/a.network", "/etc/NetworkManager/system-connections/a", "/etc/cloud/ds-identify.cfg",
    "/etc/udev/rules.d/70-persistent-net.rules", "/boot/grub/grubenv", "/etc/selinux/config", "/boot/loader/entries/a.conf",
]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(PATHS), st.binary(max_size=400) | st.text(max_size=400), min_size=1, max_size=6))
def test_any_contents_give_facts_that_are_bounded_and_can_be_sent(files: dict[str, Content]) -> None:
    facts = collect(
        LAYOUT, MemoryTree({**debian_files(), **files}, dict(DEBIAN.tree.links if DEBIAN.tree else {})), ROOT
    )
    data = msgspec.json.encode(facts)
    assert msgspec.json.decode(data, type=GuestFacts) == facts
    assert all(len(text) <= 1000 for text in everything(msgspec.json.decode(data)))
    assert not facts.not_looked


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(debian_files())), st.sampled_from(["/etc", "/boot", "/usr", "/var"]))
def test_damage_anywhere_costs_its_own_facts_only(path: str, folder: str) -> None:
    for bad in (path, folder):
        made = MemoryTree(debian_files(), dict(DEBIAN.tree.links if DEBIAN.tree else {}), damaged=frozenset({bad}))
        facts = collect(LAYOUT, made, ROOT)
        assert all(item.why and item.area for item in facts.not_looked)
        parts = (
            "os",
            "fstab",
            "boot",
            "kernels",
            "cloud_init",
            "network",
            "leftovers",
            "access",
            "identity",
            "sundries",
        )
        assert {item.area for item in facts.not_looked} == {part for part in parts if getattr(facts, part) is None}


@pytest.mark.parametrize("value", [b"\xff\xfe", "\ud800half", "x" * 5000, "", b"plain"])
def test_texts_are_bounded_and_whole(value: Any) -> None:
    assert len(bounded(value)) <= TEXT_LIMIT
    bounded(value).encode("utf-8")


READERS: list[Callable[[MemoryTree], object]] = [
    collect_os,
    collect_fstab,
    collect_network,
    collect_leftovers,
    collect_access,
]


@pytest.mark.parametrize("read", READERS)
def test_an_empty_tree_has_no_facts(read: Callable[[MemoryTree], object]) -> None:
    assert read(MemoryTree()) is not None


def test_without_a_root_there_are_no_facts() -> None:
    assert collect(LAYOUT, None, "") == GuestFacts()


def twisted(value: Any, draw: Callable[[], str], name: str = "") -> Any:
    """A document with other texts and numbers in it, of the same shape."""
    if isinstance(value, dict):
        return {key: twisted(item, draw, key) for key, item in value.items()}
    if isinstance(value, list):
        return [twisted(item, draw) for item in value] * (1 + len(draw()) % 2)
    if isinstance(value, str) and name != "kind":
        return draw() if len(draw()) % 3 else value
    return value


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["alibaba", "tencent", "ecm", "?"]),
    st.sampled_from([DEBIAN, windows()]),
    st.lists(st.sampled_from(ODD) | st.text(max_size=20), min_size=3, max_size=20),
)
def test_the_parent_judges_whatever_a_reader_says(provider: str, scene: Scene, texts: list[str]) -> None:
    """The reader may have been taken over: its facts are of the right types, and may hold anything."""
    supply = itertools.cycle(texts)
    facts = msgspec.convert(
        twisted(msgspec.to_builtins(scene.gathered), lambda: next(supply)), GuestFacts, strict=False
    )
    layout = msgspec.convert(twisted(msgspec.to_builtins(scene.layout), lambda: next(supply)), DiskLayout, strict=False)
    for finding in judge(Target(provider), layout, facts).findings:
        assert finding.what
        assert finding.fix
