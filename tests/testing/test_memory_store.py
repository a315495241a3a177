"""The twin of an object store keeps the contract."""

from __future__ import annotations

import pytest

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import SignedRequest
from imgmove.testing.fake_clock import FakeClock
from imgmove.testing.memory_store import Answer, MemoryStore
from imgmove.testing.store_contract import StoreContract, StoreHarness


class MemoryHarness(StoreHarness):
    page_size = 10

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStore("bucket", time=self.clock.now)
        self.store = self.memory
        self.absent = MemoryStore("absent")
        self.absent.exists = False
        self.missing_bucket = self.absent

    def send(self, request: SignedRequest, body: bytes = b"") -> Answer:
        return self.memory.send(request, body)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def harness(self) -> StoreHarness:
        return MemoryHarness()


def test_small_parts_are_refused_but_for_the_last() -> None:
    store = MemoryStore()
    upload_id = store.begin("key")
    for number, body in ((1, b"small"), (2, b"last")):
        store.send(store.sign_put_part("key", upload_id, number, len(body), 60.0), body)
    with pytest.raises(ImgmoveError) as caught:
        store.finish("key", upload_id, list(store.parts("key", upload_id)))
    assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "EntityTooSmall")


def test_an_answer_that_is_no_document_of_the_store() -> None:
    store = MemoryStore()
    assert store.failure(502, {}, b"<html>").kind is Kind.UNAVAILABLE
    assert store.failure(403, {}, b"[]").kind is Kind.UNKNOWN
