"""oslo.utils beside the guard: as an oracle over every image of these tests, and at run time for what both look at."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imgmove.core.errors import ImgmoveError
from imgmove.core.formats import DiskFormat
from imgmove.images import second_opinion
from imgmove.images.guard import inspect
from imgmove.images.headers.facts import Facts
from tests.images.guard.corpus import CORPUS
from tests.images.guard.test_other_bytes import DISK
from tests.images.hostile import qcow2, vhd, vmdk
from tests.images.hostile.disks import entry, gpt, mbr, with_bytes
from tests.images.hostile.looking import CountingReader, look, refusal
from tests.images.hostile.oslo import verdict
from tests.images.hostile.qcow2 import extension
from tests.images.hostile.vmdk import CAPACITY, descriptor
from tests.images.hostile.written import DIALECTS, written
from tests.tools import needs_qemu_img

OLD_EXTENSION = qcow2.image(version=2, extensions=extension(0x12345678, bytes(12)))
CHINESE = vmdk.image(text=descriptor(extents=[f'RW {CAPACITY} SPARSE "磁盘.vmdk"']))

#: What it refuses and is right to be read: the words of its failure, and why they are no reason.
FALSE_ALARMS = {
    "wide": (
        "qcow2: unknown_features",
        qcow2.image(incompatible=16),
        "extended L2 entries are a feature since QEMU 5.2",
    ),
    "old": ("qcow2: data_file", OLD_EXTENSION, "version 2 has no feature bits: an extension stands there"),
    "chinese": ("vmdk: descriptor", CHINESE, "descriptors may be UTF-8: file names are in it"),
}
#: What it finds odd in a partition table. Nobody follows one out of the disk: a note.
ODD_TABLES = {
    "no partitions: a file system with a boot sector": mbr(),
    "a file system's code where the table would be": mbr(b"\xeb\x52\x90NTFS    ".ljust(64, b"\x5a")),
    "a hybrid MBR": mbr(entry(0xEE, 1), entry(0x83)),
    "another CHS": gpt(chs=b"\0\1\0"),
    "the protective partition not at sector 1": mbr(entry(0xEE, 2)),
    "another boot flag": mbr(entry(0x83, boot=0x55)),
}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard without its second opinion."""
    monkeypatch.setattr(second_opinion, "ask", lambda _facts, _image: ())


def passed(data: bytes) -> Facts | None:
    try:
        return look(data)
    except ImgmoveError:
        return None


@pytest.mark.parametrize("name", CORPUS)
def test_what_oslo_refuses_the_guard_refuses_by_itself(name: str, alone: None) -> None:
    said = verdict(CORPUS[name])
    facts = passed(CORPUS[name])
    if said.refuses:
        assert facts is None, said
    elif facts is not None:
        assert (str(facts.format), facts.virtual_bytes) == ({"gpt": "raw"}.get(said.names[0], said.names[0]),
                                                            said.virtual_bytes)  # fmt: skip


def test_the_corpus_is_worth_its_name() -> None:
    """Oslo refuses a fair part of it, and far from all that the guard refuses."""
    refused = [name for name, data in CORPUS.items() if verdict(data).refuses]
    assert len(CORPUS) > 180
    assert len(refused) >= 50
    assert sum(passed(data) is None for data in CORPUS.values()) > 2 * len(refused)


@needs_qemu_img
@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_both_agree_on_what_qemu_img_writes(dialect: object, alone: None) -> None:
    """Format and size, but for its known mistakes: it takes a fixed VHD for the disk in it, and its footer for data."""
    kind = next(each for each in DIALECTS if each == dialect)
    data = written(kind)
    said, facts = verdict(data), look(data)
    name = {"gpt": "raw"}.get(said.names[0], said.names[0])
    if kind.variant == "fixed":
        assert (said.names, said.virtual_bytes) == (("gpt",), len(data))
    elif "extended_l2=on" in str(kind):
        assert said.failures == ("qcow2: unknown_features",)
    else:
        assert not said.refuses, said
        assert name == str(facts.format)
    if kind.variant != "fixed":
        assert facts.virtual_bytes == said.virtual_bytes


# ---------------------------------------------------------------------------------------------------- at run time


@pytest.mark.parametrize("name", FALSE_ALARMS)
def test_known_false_alarms_do_not_count(name: str) -> None:
    failure, data, why = FALSE_ALARMS[name]
    assert verdict(data).failures == (failure,), why
    assert look(data).format is not None


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_partition_tables_are_noted(name: str) -> None:
    data = ODD_TABLES[name]
    assert verdict(data).failures == ("gpt: mbr",)
    facts = look(data, "disk.raw", system_disk=True)
    assert facts.format is DiskFormat.RAW
    assert "OpenStack would not take its partition table (check 'mbr' failed: " in facts.notes[0]
    assert not look(DISK).notes


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (
            vmdk.image(text=descriptor().replace(b"createType=", b"createType =")),
            "UnsafeImage",
            "Unsupported subformat",
        ),
        (vmdk.image(text=descriptor(more=['encoding = "UTF-8"'])), "UnsafeImage", "check 'descriptor' failed: Invalid"),
        (b'some text that is no descriptor to QEMU\n createType="vmfs"\n'.ljust(4096, b" "), "AmbiguousFormat", "vmdk"),
    ],
)
def test_what_only_oslo_refuses_is_refused(data: bytes, code: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(data)
    assert error.code == code
    assert said in error.message
    monkeypatch.setattr(second_opinion, "ask", lambda _facts, _image: ())
    assert passed(data) is not None


def test_bytes_that_make_an_inspector_stumble_are_no_crash() -> None:
    """Text at the beginning and none behind it: the inspector of VMDK lacks an attribute then."""
    data = b"just a text ".ljust(600, b"x") + bytes(range(128, 256)) * 8
    assert look(data, "data.raw").format is None
    assert look(with_bytes(data, 510, b"\x55\xaa"), "data.raw").format is DiskFormat.RAW


def test_nothing_more_is_read_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (qcow2.image(), vmdk.stream(), vhd.image(), DISK):
        with_it, without = CountingReader(data), CountingReader(data)
        second_opinion_ask = second_opinion.ask
        for reader, ask in ((with_it, second_opinion_ask), (without, lambda _facts, _image: ())):
            monkeypatch.setattr(second_opinion, "ask", ask)
            inspect("x", reader.image(), system_disk=False)
        monkeypatch.setattr(second_opinion, "ask", second_opinion_ask)
        assert with_it.asked == without.asked


_WITHOUT = """
import logging, sys
if len(sys.argv) > 1:
    sys.modules["oslo_utils"] = None
from tests.images.hostile import qcow2, vmdk
from tests.images.hostile.disks import mbr
from tests.images.hostile.looking import look
print(look(qcow2.image()).format, look(vmdk.image()).format, len(look(mbr()).notes), "oslo_utils.imageutils" in sys.modules)
"""


@pytest.mark.parametrize(("words", "said"), [(["without"], "qcow2 vmdk 0 False"), ([], "qcow2 vmdk 1 True")])
def test_without_the_extra_the_guard_stands_alone_and_nothing_is_logged(words: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT, *words], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == said
