"""What passes the guard is what QEMU sees: the same size, one file and no other. What QEMU would follow does not pass."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError
from imgmove.core.formats import DiskFormat
from imgmove.images.headers.facts import Facts
from tests.images.guard.corpus import CORPUS
from tests.images.hostile import qcow2, vdi, vhd, vmdk
from tests.images.hostile.looking import look
from tests.images.hostile.vmdk import descriptor
from tests.tools import needs_qemu_img

pytestmark = needs_qemu_img

NAMES: Final = {DiskFormat.QCOW2: "qcow2", DiskFormat.VMDK: "vmdk", DiskFormat.VHD: "vpc", DiskFormat.VDI: "vdi"}


def described(data: bytes, kind: DiskFormat, folder: Path) -> dict[str, Any] | None:
    """`qemu-img info`, with the format stated; None where it refuses."""
    path = folder / "disk"
    path.write_bytes(data)
    words = ["qemu-img", "info", "--output=json", "-f", NAMES[kind], str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else None


def accepted(data: bytes) -> Facts | None:
    try:
        facts = look(data)
    except ImgmoveError:
        return None
    return facts if facts.format in NAMES else None


def check_agreement(data: bytes, folder: Path) -> bool:
    """Nothing to compare where either refuses. True where both took it."""
    facts = accepted(data)
    if facts is None or facts.format is None:
        return False
    info = described(data, facts.format, folder)
    if info is None:
        return False
    assert "backing-filename" not in info
    assert "data-file" not in info.get("format-specific", {}).get("data", {})
    assert not info.get("encrypted")
    extents = info.get("format-specific", {}).get("data", {}).get("extents", [])
    assert all(Path(extent["filename"]) == folder / "disk" for extent in extents)
    assert info["virtual-size"] == facts.virtual_bytes or "programs disagree on its size" in " ".join(facts.notes)
    return True


def test_of_all_made_images(tmp_path: Path) -> None:
    both = [name for name, data in CORPUS.items() if check_agreement(data, tmp_path)]
    assert len(both) >= 5, "the good one of each format at least"


@pytest.mark.parametrize("place", ["in a comment", "behind the end", "at sector 1, the header names another"])
def test_what_qemu_follows_and_others_do_not_see(tmp_path: Path, place: str) -> None:
    """Each of these made qemu-img open the file that is named, with a header that says nothing of it."""
    (tmp_path / "secret").write_bytes(b"s" * (1 << 20))
    hint = 'parentFileNameHint="secret"'
    if place == "in a comment":
        data = vmdk.image(text=descriptor(more=[f"#{hint}"]))
    elif place == "behind the end":
        data = vmdk.image(text=descriptor().ljust(1023, b"#") + f"\n{hint}\n".encode(), descriptor_sectors=2)
    else:
        data = vmdk.image(text=descriptor(more=[hint]), descriptor=vmdk.END, after=descriptor().ljust(10240, b"\0"))
    info = described(data, DiskFormat.VMDK, tmp_path)
    assert info is not None
    assert info["backing-filename"] == "secret"
    assert accepted(data) is None


BUILDERS: Final[dict[str, tuple[Callable[..., bytes], list[str]]]] = {
    "qcow2": (qcow2.image, [name for name in qcow2.FIELDS if name != "magic"]),
    "vmdk": (vmdk.image, [name for name in vmdk.FIELDS if name not in {"magic", "newlines"}]),
    "stream": (vmdk.stream, [name for name in vmdk.FIELDS if name not in {"magic", "newlines"}]),
    "vhd": (vhd.image, ["features", "version", "header_offset", "creator", "original_bytes", "current_bytes", "geometry",
                        "disk_type", "table_offset", "entries", "block_bytes"]),
    "vdi": (vdi.image, [name for name in vdi.FIELDS if name not in {"magic", "text", "identity", "link", "parent"}]),
}  # fmt: skip
_BYTES: Final = {"creator", "geometry"}
_NARROW: Final = {"compression": 0xFF, "unclean": 0xFF}
NUMBERS: Final = st.integers(0, 64) | st.sampled_from(
    [512, 513, 1024, 4096, 65536, 131072, 196608, 262144, 327680, 1 << 20, 1 << 21]
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A format, and up to three fields that are other than they should be: small numbers, and places of its tables."""
    kind = draw(st.sampled_from(sorted(BUILDERS)))
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(BUILDERS[kind][1]), max_size=3, unique=True)):
        value = draw(NUMBERS) & _NARROW.get(name, 0xFFFF_FFFF)
        fields[name] = value.to_bytes(4, "big") if name in _BYTES else value
    return kind, fields


def built(change: tuple[str, dict[str, Any]]) -> bytes:
    kind, fields = change
    return BUILDERS[kind][0](**fields)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes())
def test_of_any_header(tmp_path: Path, change: tuple[str, dict[str, Any]]) -> None:
    check_agreement(built(change), tmp_path)
