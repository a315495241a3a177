"""The reader as a process: whatever it does, the parent has an answer, in time, and nothing is left running."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.images.reading import process
from imgmove.images.reading.inspection import Inspection, Limits, TroubleKind
from imgmove.images.reading.process import look_inside
from imgmove.images.reading.source import ImageSource
from tests.images.reading.looking import counted

MIB = 1 << 20
QUICK = Limits(cpu_seconds=20, wall_seconds=20.0)

#: What every false reader begins with: the pipes as the true one takes them, and the task.
_BEGIN = """
import os, sys, time, struct
from imgmove.images.reading import wire
from imgmove.images.reading.worker import take_pipes
def main():
    parent = take_pipes()
    parent.receive(wire.TASK)
"""

MISDEEDS = {
    "crashes": ("import ctypes; ctypes.string_at(1)", TroubleKind.CRASHED, "SIGSEGV"),
    "aborts": ("os.abort()", TroubleKind.CRASHED, "SIGABRT"),
    "exits": ("os._exit(3)", TroubleKind.CRASHED, "status 3"),
    "raises": ("raise ZeroDivisionError", TroubleKind.CRASHED, "status 1"),
    "is killed": ("os.kill(os.getpid(), 9)", TroubleKind.MEMORY, "SIGKILL"),
    "says it has no memory": (f"os._exit({71})", TroubleKind.MEMORY, "memory"),
    "sends garbage": ("os.write(4, b'x' * 100); time.sleep(60)", TroubleKind.PROTOCOL, "taken it over"),
    "sends a word that is none": ("parent._send(wire.frame(b'Q')); time.sleep(60)", TroubleKind.PROTOCOL, "b'Q'"),
    "announces too much": (
        "parent._send(wire.HEADER.pack(wire.LAYOUT, 2**32 - 1)); time.sleep(60)", TroubleKind.PROTOCOL, "bytes of",
    ),
    "sends no JSON": ("parent._send(wire.frame(wire.LAYOUT, b'[[[')); time.sleep(60)", TroubleKind.PROTOCOL, "understood"),
    "sends deep JSON": (
        "parent._send(wire.frame(wire.FACTS, b'[' * 1000000)); time.sleep(60)", TroubleKind.PROTOCOL, "understood",
    ),
    "sends other types": ("parent.say(wire.LAYOUT, {'format': 1}); time.sleep(60)", TroubleKind.PROTOCOL, "understood"),
    "asks beyond the end": ("parent.fetch(1048576 - 10, 11)", TroubleKind.PROTOCOL, "a wish for 11 bytes"),
    "asks far beyond": ("parent.fetch(2**64 - 1, 4096)", TroubleKind.PROTOCOL, "a wish for"),
    "asks for nothing": ("parent.fetch(0, 0)", TroubleKind.PROTOCOL, "a wish for 0 bytes"),
    "asks for too much": ("parent.fetch(0, 2**32 - 1)", TroubleKind.PROTOCOL, "a wish for"),
    "asks half": ("parent._send(wire.frame(wire.READ, b'1234')); time.sleep(60)", TroubleKind.PROTOCOL, "half a range"),
    "asks without end": ("while True: parent.fetch(0, 4096)", TroubleKind.READS, "more places"),
    "reads it all again": ("while True: parent.fetch(0, 1048576)", TroubleKind.READS, "more places"),
    "tells without end": ("while True: parent.trouble('facts', 'x' * 900)", TroubleKind.PROTOCOL, "without end"),
    "floods": ("while True: parent._send(bytes(1000000))", TroubleKind.PROTOCOL, "taken it over"),
    "closes its pipe and stays": ("os.closerange(0, 30); time.sleep(60)", TroubleKind.PROTOCOL, "went on"),
}  # fmt: skip


def look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, limits: Limits = QUICK, size: int = MIB
) -> Inspection:
    name = f"reader_{abs(hash((code, str(tmp_path))))}"
    (tmp_path / f"{name}.py").write_text(_BEGIN + "    " + code + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return look_inside(counted(bytes(size)).source(), DiskFormat.RAW, limits, worker=name)


@pytest.mark.parametrize("deed", MISDEEDS)
def test_a_reader_that_misbehaves_is_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
    code, kind, words = MISDEEDS[deed]
    limits = Limits(cpu_seconds=20, wall_seconds=20.0, requests=300, read_bytes=20 * MIB, answer_bytes=4 * MIB)
    found = look(tmp_path, monkeypatch, code, limits)
    assert found.trouble[-1].kind is kind
    assert words in found.trouble[-1].words
    assert (found.layout, found.facts) == (None, None)
    assert len(found.trouble) <= 17


@pytest.mark.parametrize("code", ["time.sleep(60)", "while True: pass", "signal = 1; sys.stdin.read(); time.sleep(60)"])
def test_a_reader_that_hangs_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    began = time.monotonic()
    found = look(tmp_path, monkeypatch, code, Limits(wall_seconds=1.5))
    assert time.monotonic() - began < 10
    assert [item.kind for item in found.trouble] == [TroubleKind.TIME]


def test_a_reader_that_does_not_listen_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "parent._send(wire.frame(wire.READ, wire.RANGE.pack(0, 8 << 20))); time.sleep(60)"
    found = look(tmp_path, monkeypatch, code, Limits(wall_seconds=1.5), size=8 * MIB)
    assert [item.kind for item in found.trouble] == [TroubleKind.TIME]


def test_time_on_the_processor_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
    from imgmove.images.reading.confinement import confine
    confine(wire.Task('raw', 1, 1 << 30, 1, 1, 1))
    while True: pass
"""
    found = look(tmp_path, monkeypatch, code, Limits(wall_seconds=60))
    assert [item.kind for item in found.trouble] == [TroubleKind.TIME]
    assert "processor" in found.trouble[0].words


@pytest.mark.parametrize("eat", ["x = bytes(4 << 30)", "x = []\n        while True: x.append(bytes(10 << 20))"])
def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eat: str) -> None:
    code = f"""
    from imgmove.images.reading import worker
    from imgmove.images.reading.confinement import confine
    confine(wire.Task('raw', 1, 512 << 20, 20, 1, 1))
    try:
        {eat}
    except MemoryError:
        os._exit(wire.MEMORY_EXIT)
"""
    found = look(tmp_path, monkeypatch, code)
    assert [item.kind for item in found.trouble] == [TroubleKind.MEMORY]


def test_a_reader_that_is_confined_can_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has of its own: no environment, no files of the parent, no new privileges, no file that it can write."""
    secret = tmp_path / "held"
    secret.write_text("secret")
    os.environ["TENCENTCLOUD_SECRET_KEY"] = "secret"
    held = os.open(secret, os.O_RDONLY)
    os.set_inheritable(held, True)
    target = tmp_path / "written"
    code = f"""
    from imgmove.images.reading.confinement import confine
    confine(wire.Task('raw', 1, 1 << 30, 20, 1, 1))
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    said = [sorted(set(os.environ) - {{'LC_CTYPE'}}), os.getcwd(), os.getsid(0) == os.getpid()]
    said.append([number for number in range(5, 64) if os.path.exists(f'/proc/self/fd/{{number}}')])
    said.append(resource.getrlimit(resource.RLIMIT_CORE))
    said.append([line for line in open('/proc/self/status') if line.startswith('NoNewPrivs')])
    try:
        with open({str(target)!r}, 'w') as file: file.write('x')
        said.append('written')
    except OSError: said.append('refused')
    parent.trouble('facts', repr(said))
    parent.end(); os._exit(0)
"""
    try:
        found = look(tmp_path, monkeypatch, code)
    finally:
        os.close(held)
        del os.environ["TENCENTCLOUD_SECRET_KEY"]
    assert found.trouble[0].words == "[['LC_ALL'], '/', True, [], (0, 0), ['NoNewPrivs:\\t1\\n'], 'refused']"


def test_what_a_reader_started_is_gone_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
    child = os.fork()
    if child == 0: time.sleep(60)
    parent.trouble('facts', str(child))
    parent.end()
    time.sleep(60)
"""
    found = look(tmp_path, monkeypatch, code)
    child = int(found.trouble[0].words)
    for _ in range(100):
        if not _runs(child):
            return
        threading.Event().wait(0.05)
    pytest.fail("it runs")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_reader_that_has_said_the_layout_before_it_crashes_has_said_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from imgmove.images.guest.layout import DiskLayout; parent.say(wire.LAYOUT, DiskLayout('raw', 1, 2)); os.abort()"
    found = look(tmp_path, monkeypatch, code)
    assert found.layout is not None
    assert (found.layout.disk_bytes, found.trouble[0].kind) == (1, TroubleKind.CRASHED)


def test_a_reader_whose_image_is_too_much_for_it_says_so(ext4_root: Path) -> None:
    image = counted(ext4_root)
    found = look_inside(image.source(), DiskFormat.RAW, Limits(read_bytes=200_000))
    assert found.layout is not None
    assert [item.kind for item in found.trouble] == [TroubleKind.READS]
    assert found.read_bytes == image.read_bytes <= 200_000


def test_a_container_that_cannot_be_opened_is_unreadable() -> None:
    found = look_inside(counted(bytes(MIB)).source(), DiskFormat.VMDK, QUICK)
    assert [item.kind for item in found.trouble] == [TroubleKind.UNREADABLE]
    assert "cannot be opened" in found.trouble[0].words


def test_an_error_of_the_source_is_raised_as_it_is() -> None:
    error = ImgmoveError(Kind.UNAVAILABLE, "the network is gone", code="Gone")

    def read(offset: int, length: int) -> bytes:
        raise error

    before = _children()
    with pytest.raises(ImgmoveError) as caught:
        look_inside(ImageSource("cos://b/k", MIB, read), DiskFormat.RAW, QUICK)
    assert caught.value is error
    assert _children() == before


def test_a_source_that_is_cut_off_is_corrupt() -> None:
    with pytest.raises(ImgmoveError, match="cos://b/k is cut off") as caught:
        look_inside(ImageSource("cos://b/k", MIB, lambda offset, length: b"short"), DiskFormat.RAW, QUICK)
    assert caught.value.kind is Kind.CORRUPT


def test_stopping_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleeping_reader.py").write_text(_BEGIN + "    time.sleep(60)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stop, before = threading.Event(), _children()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(ImgmoveError) as caught:
        look_inside(counted(bytes(MIB)).source(), DiskFormat.RAW, stop=stop, worker="sleeping_reader")
    assert caught.value.kind is Kind.INTERRUPTED
    assert _children() == before


def test_the_time_that_reading_takes_is_not_the_readers(ext4_root: Path) -> None:
    image = counted(ext4_root)

    def slowly(offset: int, length: int) -> bytes:
        threading.Event().wait(0.25)
        return image.read(offset, length)

    found = look_inside(ImageSource("slow", image.size_bytes, slowly), DiskFormat.RAW, Limits(wall_seconds=20.0))
    assert found.trouble == ()
    assert found.cost.fetch_seconds >= 0.25 * found.requests
    late = look_inside(ImageSource("slow", image.size_bytes, slowly), DiskFormat.RAW, Limits(total_seconds=0.2))
    assert [item.kind for item in late.trouble] == [TroubleKind.TIME]


def test_progress_is_told(ext4_root: Path) -> None:
    told: list[tuple[int, int]] = []
    found = look_inside(
        counted(ext4_root).source(),
        DiskFormat.RAW,
        QUICK,
        progress=lambda bytes_, requests: told.append((bytes_, requests)),
    )
    assert told[-1] == (found.read_bytes, found.requests)
    assert [requests for _, requests in told] == list(range(1, found.requests + 1))


def test_a_missing_library_is_named_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find_spec", lambda name: None if name == "pyfsxfs" else object())
    with pytest.raises(ImgmoveError, match="pyfsxfs") as caught:
        look_inside(counted(b"").source(), DiskFormat.RAW)
    assert (caught.value.kind, caught.value.code) == (Kind.USAGE, "MissingExtra")
    assert caught.value.hint.endswith(" -m pip install 'imgmove[check]'")


def test_an_interrupt_of_the_parent_ends_the_reader(tmp_path: Path) -> None:
    def read(offset: int, length: int) -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return bytes(length)

    before = _children()
    with pytest.raises(KeyboardInterrupt):
        look_inside(ImageSource("disk", MIB, read), DiskFormat.RAW, QUICK)
    assert _children() == before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())
