"""What every `ObjectStore` must keep, as tests. Needs pytest, when it is run.

Inherit from `StoreContract`, and give it a fixture `harness` (docs/how-to/test-a-cloud.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectStore, PartInfo, SignedRequest
from imgmove.testing.memory_store import Answer

#: CRC-64/XZ of b"123456789", the check value of the catalogue of CRCs.
_CHECK_TEXT: Final = b"123456789"
_CHECK_CRC64: Final = 0x995DC9BBDF1939FA

#: Keys that signing, quoting and XML each get wrong in their own way.
AWKWARD_KEYS: Final = (
    "plain.qcow2", "a/b/c.raw", "with space", "plus+sign", "per%20cent", "ampersand&", "question?mark", "hash#tag",
    "中文/镜像.vhd", "<tag>", "tilde~", "star*", "equals=",
)  # fmt: skip


class StoreHarness(ABC):
    """The bucket under test and how its signed requests get there."""

    store: ObjectStore
    missing_bucket: ObjectStore
    """The same store's adapter for a bucket that does not exist."""

    @abstractmethod
    def send(self, request: SignedRequest, body: bytes = b"") -> Answer:
        """Send the request exactly as it is, over HTTP where the store has HTTP. Redirects are not followed."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """Let time pass for the store (signatures expire). A real one needs a sleep here."""

    prefix: str = "contract/"
    """Everything is written below it: another one for each test run on a real store."""
    page_size: int = 0
    """How many entries one page of the store's lists has, where writing more than so many is affordable; 0: skip."""


class StoreContract:
    """What holds for every bucket of every store."""

    def test_a_bucket_knows_where_it_is(self, harness: StoreHarness) -> None:
        info = harness.store.bucket_info()
        assert info.name == harness.store.bucket
        assert info.region

    def test_a_bucket_that_does_not_exist(self, harness: StoreHarness) -> None:
        store = harness.missing_bucket
        for call in (
            store.bucket_info,
            lambda: store.head("key"),
            lambda: list(store.list("")),
            lambda: store.begin("k"),
        ):
            with pytest.raises(ImgmoveError) as caught:
                call()
            assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "NoSuchBucket")

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    def test_an_object_from_its_writing_to_its_end(self, harness: StoreHarness, key: str) -> None:
        store, name = harness.store, harness.prefix + key
        assert store.head(name) is None
        written = store.put(name, _CHECK_TEXT)
        seen = store.head(name)
        assert seen is not None
        assert (seen.key, seen.size_bytes, seen.etag.lower()) == (name, 9, written.etag.lower())
        assert '"' not in seen.etag
        assert seen.crc64 in {None, _CHECK_CRC64}
        assert [item.key for item in store.list(name)] == [name]
        assert harness.send(store.sign_read(name, 2, 3, seen.etag, 60.0)).body == b"345"
        store.delete(name)
        store.delete(name)
        assert store.head(name) is None

    def test_writing_again_replaces(self, harness: StoreHarness) -> None:
        key = harness.prefix + "twice"
        first = harness.store.put(key, b"first")
        second = harness.store.put(key, b"second")
        assert first.etag != second.etag
        assert harness.store.read(key, 0, 6) == b"second"

    def test_reading_ranges(self, harness: StoreHarness) -> None:
        key = harness.prefix + "ranges"
        info = harness.store.put(key, _CHECK_TEXT)
        assert harness.store.read(key, 0, 9) == _CHECK_TEXT
        assert harness.store.read(key, 3, 2, info.etag) == b"45"
        assert harness.store.read(key, 7, 100) == b"89"

    def test_reading_what_is_not_there(self, harness: StoreHarness) -> None:
        with pytest.raises(ImgmoveError) as caught:
            harness.store.read(harness.prefix + "absent", 0, 1)
        assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "NoSuchKey")

    def test_reading_what_has_changed(self, harness: StoreHarness) -> None:
        key = harness.prefix + "changed"
        before = harness.store.put(key, b"before")
        harness.store.put(key, b"after!")
        with pytest.raises(ImgmoveError) as caught:
            harness.store.read(key, 0, 6, before.etag)
        assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "PreconditionFailed")

    def test_lists_are_whole_and_in_order(self, harness: StoreHarness) -> None:
        prefix = harness.prefix + "list/"
        count = harness.page_size + 5 if harness.page_size else 5
        keys = [f"{prefix}{number:06}" for number in range(count)]
        for key in reversed(keys):
            harness.store.put(key, b"x")
        harness.store.put(harness.prefix + "beside", b"x")
        assert [item.key for item in harness.store.list(prefix)] == keys

    # ------------------------------------------------------------------------------------------ signed requests

    def test_a_signed_read_is_pinned(self, harness: StoreHarness) -> None:
        key = harness.prefix + "pinned"
        info = harness.store.put(key, _CHECK_TEXT)
        signed = harness.store.sign_read(key, 1, 4, info.etag, 60.0)
        answer = harness.send(signed)
        assert (answer.status, answer.body) == (206, b"2345")
        harness.store.put(key, b"something else")
        error = failure(harness, harness.send(signed))
        assert (error.kind, error.code) == (Kind.CONFLICT, "PreconditionFailed")

    def test_a_signed_read_of_nothing(self, harness: StoreHarness) -> None:
        error = failure(harness, harness.send(harness.store.sign_read(harness.prefix + "absent", 0, 1, None, 60.0)))
        assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchKey")

    def test_a_signature_is_for_one_object_and_expires(self, harness: StoreHarness) -> None:
        key = harness.prefix + "secret"
        harness.store.put(key, _CHECK_TEXT)
        signed = harness.store.sign_read(key, 0, 1, None, 60.0)
        other = SignedRequest(signed.method, signed.url.replace("secret", "secreu"), signed.headers)
        assert failure(harness, harness.send(other)).kind is Kind.DENIED
        harness.pass_time(61.0)
        assert failure(harness, harness.send(signed)).kind is Kind.DENIED

    def test_a_shared_url_gives_the_whole_object(self, harness: StoreHarness) -> None:
        key = harness.prefix + "shared"
        harness.store.put(key, _CHECK_TEXT)
        answer = harness.send(SignedRequest("GET", harness.store.share_url(key, 60.0)))
        assert (answer.status, answer.body) == (200, _CHECK_TEXT)
        assert harness.store.crc64_of(answer.headers) in {None, _CHECK_CRC64}

    # ------------------------------------------------------------------------------------------------- uploads

    def test_an_upload_in_parts(self, harness: StoreHarness) -> None:
        store, key = harness.store, harness.prefix + "parts"
        bodies = [b"a" * store.limits.min_part_bytes, b"b" * store.limits.min_part_bytes, _CHECK_TEXT]
        upload_id = store.begin(key)
        assert [item.upload_id for item in store.uploads(key)] == [upload_id]
        assert store.head(key) is None
        sent = [put_part(harness, key, upload_id, number, body) for number, body in reversed([*enumerate(bodies, 1)])]
        held = list(store.parts(key, upload_id))
        assert [part.number for part in held] == [1, 2, 3]
        assert {(part.number, part.etag.lower()) for part in held} == {
            (part.number, part.etag.lower()) for part in sent
        }
        assert [part.size_bytes for part in held] == [len(body) for body in bodies]
        info = store.finish(key, upload_id, held)
        assert info.size_bytes == sum(len(body) for body in bodies)
        assert store.read(key, info.size_bytes - 10, 10) == b"b" + _CHECK_TEXT
        assert list(store.uploads(key)) == []

    def test_a_part_sent_again_replaces(self, harness: StoreHarness) -> None:
        store, key = harness.store, harness.prefix + "again"
        upload_id = store.begin(key)
        put_part(harness, key, upload_id, 1, b"first")
        second = put_part(harness, key, upload_id, 1, b"second")
        assert [part.etag.lower() for part in store.parts(key, upload_id)] == [second.etag.lower()]
        store.finish(key, upload_id, list(store.parts(key, upload_id)))
        assert store.read(key, 0, 6) == b"second"

    def test_a_part_carries_its_checksum(self, harness: StoreHarness) -> None:
        key = harness.prefix + "crc"
        upload_id = harness.store.begin(key)
        part = put_part(harness, key, upload_id, 1, _CHECK_TEXT)
        assert part.crc64 in {None, _CHECK_CRC64}
        info = harness.store.finish(key, upload_id, [part])
        assert info.crc64 in {None, _CHECK_CRC64}

    def test_lists_of_parts_are_whole(self, harness: StoreHarness) -> None:
        if not harness.page_size:
            pytest.skip("the harness affords no more than one page")
        key = harness.prefix + "many-parts"
        upload_id = harness.store.begin(key)
        count = min(harness.page_size + 5, harness.store.limits.max_parts)
        for number in range(1, count + 1):
            put_part(harness, key, upload_id, number, b"x")
        assert [part.number for part in harness.store.parts(key, upload_id)] == list(range(1, count + 1))
        harness.store.abort(key, upload_id)

    def test_parts_that_are_not_what_the_store_holds(self, harness: StoreHarness) -> None:
        store, key = harness.store, harness.prefix + "wrong-part"
        upload_id = store.begin(key)
        part = put_part(harness, key, upload_id, 1, _CHECK_TEXT)
        wrong = PartInfo(part.number, part.size_bytes, "0" * 32)
        with pytest.raises(ImgmoveError) as caught:
            store.finish(key, upload_id, [wrong])
        assert not caught.value.maybe_applied
        assert store.head(key) is None
        store.finish(key, upload_id, [part])

    def test_an_upload_that_is_given_up(self, harness: StoreHarness) -> None:
        store, key = harness.store, harness.prefix + "given-up"
        upload_id = store.begin(key)
        part = put_part(harness, key, upload_id, 1, _CHECK_TEXT)
        store.abort(key, upload_id)
        store.abort(key, upload_id)
        assert list(store.uploads(key)) == []
        for call in (lambda: list(store.parts(key, upload_id)), lambda: store.finish(key, upload_id, [part])):
            with pytest.raises(ImgmoveError) as caught:
                call()
            assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "NoSuchUpload")
        error = failure(harness, harness.send(store.sign_put_part(key, upload_id, 2, 1, 60.0), b"x"))
        assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchUpload")
        assert store.head(key) is None


# ------------------------------------------------------------------------------------------------------ helpers


def put_part(harness: StoreHarness, key: str, upload_id: str, number: int, body: bytes) -> PartInfo:
    """Send one part as a worker does, and what the store says of it."""
    answer = harness.send(harness.store.sign_put_part(key, upload_id, number, len(body), 60.0), body)
    assert answer.status == 200, answer
    etag = lowered(answer.headers)["etag"].strip('"')
    return PartInfo(number, len(body), etag, harness.store.crc64_of(answer.headers))


def failure(harness: StoreHarness, answer: Answer) -> ImgmoveError:
    """The error that an answer means; it has to be one."""
    assert answer.status >= 300, answer
    return harness.store.failure(answer.status, answer.headers, answer.body)


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
