"""Every image that the tests of the guard make byte by byte, by name."""

from __future__ import annotations

from collections.abc import Iterator

from tests.images.guard import test_qcow2, test_vdi, test_vhd, test_vmdk
from tests.images.guard.test_other_bytes import DISK, FOREIGN, TWO_AT_ONCE
from tests.images.hostile import qcow2, vdi, vhd, vmdk
from tests.images.hostile.disks import gpt


def corpus() -> Iterator[tuple[str, bytes]]:
    """Everything that these tests make byte by byte."""
    for module, build in (
        (test_qcow2, qcow2.image), (test_vmdk, vmdk.image), (test_vhd, vhd.image), (test_vdi, vdi.image),
    ):  # fmt: skip
        yield f"{module.__name__}: good", build()
        for name, _, fields in module.REFUSED:
            yield f"{module.__name__}: {name}", build(**fields)
    for name, _, text in test_vmdk.DESCRIPTORS:
        yield f"a descriptor: {name}", vmdk.image(text=text)
    yield "a stream: good", vmdk.stream()
    for name, _, fields in test_vmdk.STREAMS:
        yield f"a stream: {name}", vmdk.stream(**fields)
    for name, data in (*TWO_AT_ONCE, *((name, head.ljust(4096, b"\0")) for name, _, head in FOREIGN)):
        yield name, data
    yield "MBR", DISK
    yield "GPT", gpt()


CORPUS = dict(corpus())
