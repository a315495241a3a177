"""Moving one part: pace, memory, TLS, proxies, and workers that are other processes."""

from __future__ import annotations

import multiprocessing
import pickle
import socket
import socketserver
import ssl
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imgmove.clouds.local.store import LocalStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import SignedRequest
from imgmove.engine.transfer.bandwidth import parse_bandwidth
from imgmove.engine.transfer.connections import Connections, pool
from imgmove.engine.transfer.faults import AnswerFault, ChangedFault, ConnectionFault, ForeignFault, PartFault
from imgmove.engine.transfer.part_task import PartDone, PartTask
from imgmove.engine.transfer.surroundings import CopyOptions
from imgmove.engine.transfer.wire import Pace, fetch_part, move_part, send_part
from imgmove.testing.fake_clock import FakeClock
from tests.engine.transfer.conftest import KEY, Rig
from tests.engine.transfer.http_store import KIB, Server

MIB = 1 << 20


def task_of(rig: Rig, length: int, **changes: object) -> PartTask:
    upload_id = rig.destination.begin(KEY)
    read = rig.source.sign_read(KEY, 0, length, None, 60.0)
    write = rig.destination.sign_put_part(KEY, upload_id, 1, length, 60.0)
    return PartTask(1, 0, length, read, write, **changes)  # type: ignore[arg-type]  # fields by name


def pace_of(clock: FakeClock, bytes_per_second: int) -> Pace:
    return Pace(bytes_per_second, clock.monotonic, lambda seconds: clock.sleep(seconds, threading.Event()))


@pytest.mark.parametrize("work", ["move", "fetch", "send"])
def test_a_bandwidth_is_kept_in_small_steps(rig: Rig, work: str) -> None:
    body = rig.fill(MIB)
    task, clock = task_of(rig, MIB), FakeClock()
    pace = pace_of(clock, 256 * KIB)
    if work == "move":
        move_part(task, pace)
    elif work == "fetch":
        assert fetch_part(task, pace) == body
    else:
        send_part(task, body, pace)
    assert clock.monotonic() == pytest.approx(4.0, abs=0.01)
    assert max(clock.slept) <= 0.13, "a store must not take us for dead"


def test_a_copy_passes_its_bandwidth_on_to_its_parts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.fill(16 * KIB)
    rig.options = CopyOptions(workers=4, part_bytes=4 * KIB, bandwidth=parse_bandwidth("40MiB"))
    submit, rates = rig.executor.submit, []

    def spy(call: object, task: PartTask) -> object:
        rates.append(task.bytes_per_second)
        return submit(call, task)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(rig.executor, "submit", spy)
    rig.copy()
    assert rates == [10 * MIB] * 4


def test_parts_move_through_one_buffer(tmp_path: Path) -> None:
    """However large the part is. (The whole process is measured by tests/bench.)"""
    with (tmp_path / "source").open("wb") as file:
        file.truncate(256 * MIB)
    source, destination = LocalStore(tmp_path), LocalStore(tmp_path)
    write = destination.sign_put_part("copy", destination.begin("copy"), 1, 256 * MIB, 60.0)
    task = PartTask(1, 0, 256 * MIB, source.sign_read("source", 0, 256 * MIB, None, 60.0), write)
    tracemalloc.start()
    try:
        move_part(task)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


def test_what_travels_to_a_worker_and_back_can_be_pickled() -> None:
    request = SignedRequest("GET", "https://host/key?signature=s", {"Range": "bytes=0-1"})
    task = PartTask(1, 0, 2, request, request, "etag", 2)
    assert pickle.loads(pickle.dumps(task)) == task
    done = PartDone(1, 2, 3, {"a": "b"}, {"c": "d"})
    assert pickle.loads(pickle.dumps(done)) == done
    faults: list[PartFault] = [
        ConnectionFault("read", "broke"), ForeignFault("write", "a page"), ChangedFault("another ETag"),
        AnswerFault("write", 503, {"retry-after": "1"}, b"<Error/>"),
    ]  # fmt: skip
    for fault in faults:
        again = pickle.loads(pickle.dumps(fault))
        assert (type(again), vars(again), str(again)) == (type(fault), vars(fault), str(fault))


def test_workers_may_be_other_processes(rig: Rig) -> None:
    """As a Dask cluster's are: what they are given is all they have."""
    body = rig.fill(64 * KIB)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        rig.executor = executor
        copied = rig.copy()
    assert rig.copied_body() == body
    assert copied.comparison.before_completion


def test_a_forked_process_leaves_its_parents_connections_alone() -> None:
    pool_of_parent = Connections()
    near, far = socket.socketpair()
    with near, far:
        pool_of_parent._lock.acquire()  # another thread held it at the time of the fork
        pool_of_parent.forget()
        pool_of_parent.close_idle()


# ------------------------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, and its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls_rig(rig: Rig, certificate: tuple[Path, Path]) -> Iterator[Rig]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Server(context).running() as server:
        rig.server, rig.source, rig.destination = server, server.store("source"), server.store("destination")
        yield rig
        pool.close_idle()


def test_over_tls(tls_rig: Rig, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    body = tls_rig.fill(2 * MIB + 77)
    tls_rig.options = CopyOptions(workers=2, part_bytes=MIB)
    tls_rig.copy()
    assert tls_rig.copied_body() == body
    assert len({call.connection for call in tls_rig.server.calls}) <= 6


def test_a_certificate_that_nobody_knows(tls_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    tls_rig.fill(KIB)
    with pytest.raises(ImgmoveError) as caught:
        tls_rig.copy()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message


def test_a_tls_part_that_is_abandoned_comes_back(
    tls_rig: Rig, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.transfer.http_store import Behaviour

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    tls_rig.fill(MIB)
    tls_rig.options = CopyOptions(workers=1, part_bytes=MIB)
    release = threading.Event()
    hanging = Behaviour(wait_for=release)

    def script(_call: object) -> Behaviour:
        tls_rig.stop.set()
        return hanging

    tls_rig.server.script = script
    with pytest.raises(ImgmoveError) as caught:
        tls_rig.copy()
    release.set()
    assert caught.value.kind is Kind.INTERRUPTED


# --------------------------------------------------------------------------------------------------------- proxies


@contextmanager
def tunnelling_proxy(port: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that takes every CONNECT for one to `port` here; its address, and the heads that it was sent."""
    heads: list[str] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.request.recv(1)
            heads.append(head.decode())
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=_pump, args=(upstream, self.request), daemon=True).start()
                _pump(self.request, upstream)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.daemon_threads, proxy.block_on_close = True, False
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://me:pass%20word@127.0.0.1:{proxy.server_address[1]}", heads
        proxy.shutdown()


def _pump(source: socket.socket, destination: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            destination.sendall(data)
    except OSError:
        return


def test_through_the_environments_proxy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    body = rig.fill(8 * KIB)
    for store in (rig.source, rig.destination):
        store.address = "http://store.example"
    with tunnelling_proxy(rig.server.port) as (address, heads):
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        rig.copy()
        pool.close_idle()
    assert rig.copied_body() == body
    assert heads
    assert all(head.startswith("CONNECT store.example:80 ") for head in heads)
    assert all("Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk" in head for head in heads)


def test_a_loopback_address_is_never_reached_through_a_proxy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.fill(8 * KIB)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    rig.copy()
