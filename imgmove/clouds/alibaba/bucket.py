"""Signed requests to one bucket, and the search for its region, which a signature needs before it is known."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from imgmove.clouds.alibaba import answers, errors, limits, store_errors, store_xml
from imgmove.clouds.alibaba.bucket_address import BucketAddress, bucket_address
from imgmove.clouds.alibaba.signing import Signer
from imgmove.clouds.keys import KeySource
from imgmove.clouds.transport import MAX_ANSWER_BYTES, Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import BucketInfo
from imgmove.core.settings import Settings


class Bucket:
    """One bucket. Where no region is given, the store is asked once, at the first request. Safe for threads."""

    def __init__(self, name: str, region: str, settings: Settings, keys: KeySource, transport: Transport) -> None:
        self.name = name
        self._settings = settings
        self._keys = keys
        self._transport = transport
        self._region = region
        self._signers: dict[str, Signer] = {}
        self._lock = threading.Lock()
        self._is_known = False

    @property
    def region(self) -> str:
        """The given region, else the one that the store names."""
        with self._lock:
            if not self._region:
                self._region = self.located()
            return self._region

    def at(self, region: str) -> Bucket:
        """The same bucket, asked in `region`."""
        return Bucket(self.name, region, self._settings, self._keys, self._transport)

    def now(self) -> float:
        return self._settings.now()

    def signer(self) -> Signer:
        return self._signer(self.region)

    def address(self, *, public: bool = False) -> BucketAddress:
        return bucket_address(self.name, self.region, self._settings, public=public)

    def send(
        self, method: str, key: str = "", params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes | None = None,
        *, changes: bool = False, max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:  # fmt: skip
        """Send one request; its answer, whatever the status."""
        address, signer = self.address(), self.signer()
        url, signed = signer.headers(method, address.url(key), self.name, key, params or {}, headers or {})
        with errors.asking(signer.region):
            answer = self._transport.send(method, url, signed, body, changes=changes, max_bytes=max_bytes)
        self._is_known = self._is_known or answer.status < 300
        return answer if answer.status < 300 else answer.unpacked()

    def check_exists(self) -> None:
        """Raise NOT_FOUND where there is no such bucket; asked once at most, and not where an answer showed it.

        A bare 404 to HEAD may mean the object or the bucket. Whoever may not ask is told nothing.
        """
        if self._is_known:
            return
        try:
            self.info()
        except ImgmoveError as error:
            if missing(error, "NoSuchBucket"):
                raise
        self._is_known = True

    def call(
        self, method: str, key: str = "", params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes | None = None, *, changes: bool = False,
    ) -> Answer:  # fmt: skip
        """Send one request; its answer if it is a good one, else the error."""
        answer = self.send(method, key, params, headers, body, changes=changes)
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=changes, asked_region=self.region)
        return answer.unpacked()

    def document(self, method: str, key: str, params: Mapping[str, str], body: bytes | None = None, *,
                 changes: bool = False) -> tuple[store_xml.Element, Answer]:  # fmt: skip
        """Send one request whose answer is an XML document."""
        answer = self.call(method, key, params, body=body, changes=changes)
        root = answers.xml_root(answer.body)
        if root is None:
            raise errors.not_theirs("OSS", answer, changes=changes)
        if root.tag == "Error":
            raise store_errors.refusal(answer, changes=changes, asked_region=self.region)
        return root, answer

    def info(self) -> BucketInfo:
        """`GetBucketInfo`, and where we may not, the region alone. NOT_FOUND, or DENIED."""
        _, answer = self.described()
        if answer.status in {401, 403}:
            return BucketInfo(self.name, self.located())
        found = store_xml.bucket_info(self.root(answer), self.name)
        if not found.region:
            raise errors.not_theirs("OSS", answer, changes=False, what="no Location in the answer")
        return found

    def described(self) -> tuple[str, Answer]:
        """The answer to `GetBucketInfo`, whatever its status, and the region that gave it: where the bucket is."""
        with self._lock:
            region = self._region or self._settings.region or limits.FALLBACK_REGION
        answer = self.ask(region, {"bucketInfo": ""})
        if answer.status < 300:
            return region, answer
        elsewhere = store_errors.bucket_region(answer)
        # whether a bucket of another region is refused or unknown here is not the same for all of its calls
        if not elsewhere and (answer.status == 404 or store_errors.is_elsewhere(answer)):
            elsewhere = self._listed_region(region)
        if not elsewhere or elsewhere == region:
            return region, answer
        return elsewhere, self.ask(elsewhere, {"bucketInfo": ""})

    def located(self) -> str:
        """The bucket's region by GetBucketLocation; a refusal may name it too, and else the list of our buckets."""
        guess = self._settings.region or limits.FALLBACK_REGION
        answer = self.ask(guess, {"location": ""})
        if answer.status < 300:
            region = store_xml.region_name((self.root(answer).text or "").strip())
            if region:
                return region
            raise errors.not_theirs("OSS", answer, changes=False, what="no LocationConstraint in the answer")
        region = store_errors.bucket_region(answer)
        if not region and answer.status in {400, 401, 403, 404}:
            region = self._listed_region(guess)
        if region:
            return region
        raise store_errors.refusal(answer, changes=False)

    def _listed_region(self, guess: str) -> str:
        entry = self.listed(guess)
        return "" if entry is None else store_xml.listed_region(entry)

    def listed(self, guess: str) -> store_xml.Element | None:
        """What the list of our buckets says of this one, asked in the region `guess`; None where it says nothing."""
        address = bucket_address(self.name, guess, self._settings)
        if not address.service_url:
            return None
        params = {"prefix": self.name, "max-keys": "1000"}
        url, headers = self._signer(guess).headers("GET", address.service_url, "", "", params, {})
        answer = self._transport.send("GET", url, headers).unpacked()
        root = answers.xml_root(answer.body) if answer.status < 300 else None
        return None if root is None else store_xml.listed_bucket(root, self.name)

    def ask(self, region: str, params: Mapping[str, str]) -> Answer:
        """A question about the bucket, put to `region` whatever the bucket's own is."""
        address = bucket_address(self.name, region, self._settings)
        url, headers = self._signer(region).headers("GET", address.url(), self.name, "", params, {})
        with errors.asking(region):
            return self._transport.send("GET", url, headers).unpacked()

    def root(self, answer: Answer) -> store_xml.Element:
        """The document of a good answer to `ask`, else the error."""
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=False)
        root = answers.xml_root(answer.body)
        if root is None or root.tag == "Error":
            raise errors.not_theirs("OSS", answer, changes=False)
        return root

    def _signer(self, region: str) -> Signer:
        signer = self._signers.get(region)
        if signer is None:
            signer = self._signers[region] = Signer(self._keys, region, self._settings.user_agent)
        return signer


def missing(error: ImgmoveError, *codes: str) -> bool:
    """Is it NOT_FOUND with one of these codes?"""
    return error.kind is Kind.NOT_FOUND and error.code in codes
