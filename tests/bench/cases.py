"""What is measured: each case starts its stores, runs its programs in turn, and says how far the goals are met."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.archive import make_archive
from tests.bench.measure import Program, Run, in_turn, median, run
from tests.bench.programs import Peers, Programs
from tests.bench.stores import Line, Store, Stores

GIB = 1 << 30
MIB = 1 << 20
#: A line like a real one: 40 MB/s for each connection, 30 ms to every answer, eight connections at once.
LINE = Line(40_000_000, 30)
LINE_CARRIES = 8 * LINE.bytes_per_second
MEMORY_BYTES = 128 * MIB


@dataclass(frozen=True)
class Goal:
    """A figure, and what it has to be."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        wanted = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"{'met   ' if self.is_met else 'MISSED'}  {self.what}: {self.value:.2f} ({wanted})"


@dataclass
class Report:
    """A case's figures: medians by program, and the goals."""

    title: str
    size_bytes: int
    runs: Mapping[str, Run] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def megabytes_per_second(self, name: str) -> float:
        return self.size_bytes / 1e6 / self.runs[name].seconds

    def cpu_per_gib(self, name: str) -> float:
        return self.runs[name].cpu_seconds / (self.size_bytes / GIB)

    def compare(self, other: str, *, speed: float | None = None, cpu: float | None = None) -> None:
        """Goals of imgmove against another program of the same run, where that was run."""
        if other not in self.runs:
            return
        if speed is not None:
            ratio = self.megabytes_per_second("imgmove") / self.megabytes_per_second(other)
            self.goals.append(Goal(f"times the MB/s of {other}", ratio, least=speed))
        if cpu is not None:
            ratio = self.cpu_per_gib("imgmove") / self.cpu_per_gib(other)
            self.goals.append(Goal(f"times the CPU s/GiB of {other}", ratio, most=cpu))

    def lines(self) -> Iterator[str]:
        yield f"\n{self.title}"
        if self.runs:
            yield f"  {'':26}{'MB/s':>8}{'CPU s/GiB':>12}{'peak MiB':>10}"
        for name, figures in self.runs.items():
            yield (
                f"  {name:26}{self.megabytes_per_second(name):8.0f}{self.cpu_per_gib(name):12.2f}"
                f"{figures.peak_bytes / MIB:10.0f}"
            )
        yield from (f"  {goal}" for goal in self.goals)
        yield from (f"  {note}" for note in self.notes)


@dataclass
class Bench:
    """How to measure: what is copied, how often, and with whom as peers."""

    size_bytes: int
    rounds: int
    stores: Stores
    peers: Peers | None
    """None: only imgmove, without the programs that it is compared with."""

    @contextmanager
    def programs(
        self, size_bytes: int | None = None, *, file: Path | None = None, tls: bool = False, line: Line | None = None,
    ) -> Iterator[Programs]:  # fmt: skip
        """A source, and an empty destination that claims that what it is given has the source's CRC-64."""
        with (
            tempfile.TemporaryDirectory(prefix="imgmove-bench-") as folder,
            self.stores.running(size_bytes=size_bytes, file=file, tls=tls, line=line) as source,
            self.stores.running(crc64="" if file else source.crc64(), tls=tls, line=line) as destination,
        ):
            yield Programs(source, destination, Path(folder))

    def measure(self, programs: Mapping[str, Program | Sequence[Program]]) -> dict[str, Run]:
        lists = {name: [item] if isinstance(item, Program) else item for name, item in programs.items()}
        return {name: median(runs) for name, runs in in_turn(lists, self.rounds).items()}

    def rclone(self, programs: Programs, *, tuned: bool = True) -> dict[str, Program]:
        if self.peers is None:
            return {}
        found = {"rclone": programs.rclone(self.peers.rclone(), tuned=False)}
        return found | ({"rclone tuned": programs.rclone(self.peers.rclone(), tuned=True)} if tuned else {})


def plain(bench: Bench) -> Report:
    """Plain HTTP, the stores faster than everybody: what the client costs."""
    size = bench.size_bytes
    with bench.programs(size) as programs:
        mine = {"imgmove": programs.imgmove(), **bench.rclone(programs)}
        runs = bench.measure(mine | ({"relay": programs.relay(size)} if bench.peers else {}))
    report = Report(f"Plain HTTP, {size / GIB:g} GiB", size, runs)
    report.compare("rclone", speed=3, cpu=0.25)
    report.compare("relay", cpu=1.6)
    report.goals.append(Goal("peak MiB", runs["imgmove"].peak_bytes / MIB, most=MEMORY_BYTES / MIB))
    return report


def tls(bench: Bench) -> Report:
    """TLS on both legs: what OpenSSL leaves."""
    size = bench.size_bytes
    with bench.programs(size, tls=True) as programs:
        runs = bench.measure({"imgmove": programs.imgmove(), **bench.rclone(programs)})
    report = Report(f"TLS, {size / GIB:g} GiB", size, runs)
    report.compare("rclone", speed=1.35, cpu=0.6)
    report.goals.append(Goal("peak MiB", runs["imgmove"].peak_bytes / MIB, most=MEMORY_BYTES / MIB))
    return report


def line(bench: Bench) -> Report:
    """A line with a limit for each connection and a delay to every answer: what overlapping reads and writes gains."""
    size = min(bench.size_bytes, GIB)
    with bench.programs(size, line=LINE) as programs:
        runs = bench.measure({"imgmove": programs.imgmove(), **bench.rclone(programs)})
    report = Report(f"40 MB/s a connection, 30 ms to every answer, {size / GIB:g} GiB", size, runs)
    share = report.megabytes_per_second("imgmove") * 1e6 / LINE_CARRIES
    report.goals.append(Goal("of what eight connections carry", share, least=0.8))
    report.compare("rclone", speed=4)
    report.compare("rclone tuned", speed=1.9)
    report.goals.append(Goal("peak MiB", runs["imgmove"].peak_bytes / MIB, most=MEMORY_BYTES / MIB))
    return report


def crc(bench: Bench) -> Report:
    """The engine alone, with and without the CRC-64 of every part."""
    size = bench.size_bytes
    with bench.programs(size) as programs:
        runs = bench.measure({"with CRC-64": programs.engine("crc"), "without": programs.engine("no-crc")})
    report = Report(f"CRC-64 of every part, {size / GIB:g} GiB", size, runs)
    more = report.cpu_per_gib("with CRC-64") / report.cpu_per_gib("without") - 1
    report.goals.append(Goal("more CPU than without", more, most=0.2))
    return report


def sdk(bench: Bench) -> Report:
    """What people do today: the SDK's download to a file, then the other SDK's upload."""
    size = bench.size_bytes
    ways = {"SDK calls": "calls", "SDK helpers": "helpers"} if bench.peers else {}
    with bench.programs(size) as programs:
        theirs = {name: programs.sdk_way(way) for name, way in ways.items()}
        runs = bench.measure({"imgmove": programs.imgmove(), **theirs})
    report = Report(f"The SDKs' own way, {size / GIB:g} GiB", size, runs)
    for name in ways:
        report.compare(name, speed=15)
    return report


def resume(bench: Bench) -> Report:
    """A copy that lacks its last part: which requests it takes, without a journal."""
    size, part = 64 * MIB, 8 * MIB
    report = Report("Resuming a copy that lacks its last part", size)
    with bench.programs(size) as programs:
        _put_parts(programs.destination, size // part - 1, part)
        programs.source.log()
        programs.destination.log()
        run(replace(programs.imgmove(), before=lambda: None))
        seen = [_named(line) for line in [*programs.source.log(), *programs.destination.log()]]
    report.notes.append("requests: " + ", ".join(f"{seen.count(name)} {name}" for name in dict.fromkeys(seen)))
    moved = sum(name in {"part read", "part written"} for name in seen)
    others = sum(name not in {"part read", "part written", "completion", "list", "look"} for name in seen)
    report.goals.append(Goal("parts read and written", moved, least=2, most=2))
    report.goals.append(Goal("requests beside lists, looks, the part and the completion", others, most=0))
    return report


def _put_parts(store: Store, count: int, part_bytes: int) -> None:
    """An unfinished upload with parts 1 to `count`."""
    store.reset()
    with store.open("bench/copy?uploads", method="POST") as answer:
        upload_id = answer.read().decode().partition("<UploadId>")[2].partition("<")[0]
    for number in range(1, count + 1):
        with store.open(f"bench/copy?partNumber={number}&uploadId={upload_id}", bytes(part_bytes), method="PUT"):
            pass


def _named(line: str) -> str:
    """What a request is, in a word."""
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    names = {word.partition("=")[0] for word in query.split("&")}
    if method == "GET":
        return "list" if names & {"uploads", "uploadId", "prefix", "max-keys"} else "part read"
    if method == "HEAD":
        return "look"
    if method == "PUT" and "partNumber" in names:
        return "part written"
    if method == "POST" and "uploadId" in names:
        return "completion"
    return f"{method} {path}"


def convert(bench: Bench) -> Report:
    """`.raw.tar.gz` unpacked and written as qcow2 on the way, against tar and qemu-img on files."""
    size = min(bench.size_bytes, 2 * GIB)
    report = Report(f"raw.tar.gz to qcow2, {size / GIB:g} GiB unpacked", size)
    with tempfile.TemporaryDirectory(prefix="imgmove-bench-") as made:
        archive = make_archive(Path(made), size)
        with bench.programs(file=archive) as programs:
            mine = {"imgmove": [programs.imgmove("--format", "qcow2")]}
            report.runs = bench.measure(mine | ({"tar xz, qemu-img": _by_hand(archive)} if bench.peers else {}))
    report.goals.append(Goal("MB/s of unpacked data", report.megabytes_per_second("imgmove"), least=300))
    report.goals.append(Goal("peak MiB", report.runs["imgmove"].peak_bytes / MIB, most=256))
    report.compare("tar xz, qemu-img", speed=3)
    return report


def _by_hand(archive: Path) -> list[Program]:
    """tar and qemu-img, one after the other, from file to file."""
    folder, disk = archive.parent, archive.name.removesuffix(".tar.gz")
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return [
        Program(["tar", "-xzf", archive.name], environment, folder),
        Program(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, "by-hand.qcow2"], environment, folder),
    ]


CASES: Mapping[str, Callable[[Bench], Report]] = {
    case.__name__: case for case in (plain, tls, line, crc, sdk, resume, convert)
}


def say(report: Report) -> None:
    for text in report.lines():
        sys.stdout.write(text + "\n")
    sys.stdout.flush()
