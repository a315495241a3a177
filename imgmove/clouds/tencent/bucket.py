"""Signed requests to one bucket, and the search for its region, which its host name needs before it is known."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from imgmove.clouds.keys import AccessKey, KeySource
from imgmove.clouds.tencent import answers, errors, limits, store_errors, store_xml
from imgmove.clouds.tencent.cos_address import Address, bucket_address, quoted_query, service_address
from imgmove.clouds.tencent.signing import SignedUrl, Signer
from imgmove.clouds.transport import MAX_ANSWER_BYTES, Answer, Transport
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.settings import Settings


class Bucket:
    """One bucket. Where no region is given, the store is asked once, at the first request. Safe for threads."""

    def __init__(self, name: str, region: str, settings: Settings, keys: KeySource, transport: Transport) -> None:
        self.name = name
        self._settings = settings
        self._keys = keys
        self._transport = transport
        self._region = region
        self._signer: Signer | None = None
        self._lock = threading.Lock()
        self._is_seen = False

    @property
    def region(self) -> str:
        """The given region, else the one that the store names."""
        with self._lock:
            if not self._region:
                self._region = self._ask_region()
            return self._region

    def located(self) -> Bucket:
        """The same bucket in the region where the store says it is, whatever region was given.

        NOT_FOUND (`NoSuchBucket`), or DENIED where nobody tells us.
        """
        with self._lock:
            given = self._region
        region = self._ask_region(given) if given else self.region
        return self if region == given else Bucket(self.name, region, self._settings, self._keys, self._transport)

    def send(
        self, method: str, key: str = "", parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes | None = None, *,
        changes: bool = False, max_bytes: int = MAX_ANSWER_BYTES, read_timeout_seconds: float | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request; its answer, whatever the status."""
        address = bucket_address(self.name, self.region, self._settings)
        answer = self._send(
            address, method, key, parameters or {}, headers or {}, body,
            changes=changes, max_bytes=max_bytes, read_timeout_seconds=read_timeout_seconds,
        )  # fmt: skip
        self._is_seen = self._is_seen or answer.status < 300
        return answer if answer.status < 300 else answer.unpacked()

    def call(
        self, method: str, key: str = "", parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes | None = None, *,
        changes: bool = False, read_timeout_seconds: float | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request; its answer if it is a good one, else the error."""
        answer = self.send(
            method, key, parameters, headers, body, changes=changes, read_timeout_seconds=read_timeout_seconds
        )
        if answer.status >= 300:
            raise store_errors.refusal(answer, changes=changes, asked_region=self.region)
        return answer.unpacked()

    def document(
        self, method: str, key: str, parameters: Mapping[str, str], body: bytes | None = None, *,
        changes: bool = False, read_timeout_seconds: float | None = None,
    ) -> tuple[store_xml.Element, Answer]:  # fmt: skip
        """Send one request whose answer is an XML document. COS may put an error into a 200 (tencent.md 4.7)."""
        answer = self.call(
            method, key, parameters, body=body, changes=changes, read_timeout_seconds=read_timeout_seconds
        )
        root = answers.xml_root(answer.body)
        if root is None:
            raise errors.not_theirs("COS", answer, changes=changes)
        if root.tag == "Error":
            raise store_errors.refusal(answer, changes=changes, asked_region=self.region)
        return root, answer

    def signed_url(
        self, method: str, key: str, parameters: Mapping[str, str], expires_seconds: float, *, public: bool = False
    ) -> SignedUrl:
        """A URL that works without a key, for so long, but not longer than the key that signed it."""
        address = bucket_address(self.name, self.region, self._settings, public=public)
        access_key = self._keys.current()
        seconds = expires_seconds
        if access_key.expires_at is not None:
            seconds = min(seconds, access_key.expires_at - self._settings.now())
        return self._signer_of(access_key).url(method, address, key, parameters, seconds)

    def check_existence(self) -> None:
        """Raise NOT_FOUND (`NoSuchBucket`) if COS says that there is no such bucket; asked once, if it was never seen.

        An answer to HEAD says only 404, be it for the object or for the bucket.
        """
        if self._is_seen:
            return
        answer = self.send("GET", parameters={"max-keys": "1"})
        if store_errors.code_of(answer) == "NoSuchBucket":
            raise self.missing()
        self._is_seen = True

    def missing(self) -> ImgmoveError:
        return ImgmoveError(
            Kind.NOT_FOUND, f"there is no bucket {self.name} in {self._region or 'any region'}", code="NoSuchBucket",
            hint="check the name (NAME-APPID), the region and the account",
        )  # fmt: skip

    def _send(
        self, address: Address, method: str, key: str, parameters: Mapping[str, str], headers: Mapping[str, str],
        body: bytes | None = None, *, changes: bool = False, max_bytes: int = MAX_ANSWER_BYTES,
        read_timeout_seconds: float | None = None,
    ) -> Answer:  # fmt: skip
        signer = self._signer_of(self._keys.current())
        signed = signer.headers(method, address, key, parameters, headers)
        return self._transport.send(
            method, address.url(key, quoted_query(parameters)), signed, body,
            changes=changes, max_bytes=max_bytes, read_timeout_seconds=read_timeout_seconds,
        )  # fmt: skip

    def _signer_of(self, key: AccessKey) -> Signer:
        signer = self._signer
        if signer is None or signer.key != key:
            signer = self._signer = Signer(key)
        return signer

    # -------------------------------------------------------------------------------------- the bucket's region

    def _ask_region(self, given: str = "") -> str:
        """By GetBucketLocation; a refusal may name the region too; else by the list of the account's buckets."""
        guess = given or self._settings.region or limits.FALLBACK_REGION
        address = bucket_address(self.name, guess, self._settings)
        answer = self._send(address, "GET", "", {"location": ""}, {}).unpacked()
        root = answers.xml_root(answer.body)
        if answer.status < 300 and root is not None and root.tag != "Error":
            # whoever answers without naming a region has the bucket where it was asked
            return (root.text or "").strip() if root.tag == "LocationConstraint" else guess
        region = store_errors.bucket_region(answer)
        if region:
            return region
        if answer.status >= 500 or (answer.status < 300 and root is None):
            if given and answer.status == 501:
                return given  # a small emulation, which does not know the question
            raise store_errors.refusal(answer, changes=False)
        return self._listed_region(answer, given)

    def _listed_region(self, refused: Answer, given: str) -> str:
        """The region in the list of our buckets. Where that is closed to us, what the bucket itself has answered."""
        answer = self._send(service_address(self._settings), "GET", "", {}, {}).unpacked()
        root = answers.xml_root(answer.body) if answer.status < 300 else None
        region = store_xml.bucket_regions(root).get(self.name, "") if root is not None else ""
        if region:
            return region
        if given and store_errors.code_of(refused) != "NoSuchBucket":
            return self._seen_region(refused, given)
        if refused.status == 404:
            raise self.missing()
        raise store_errors.refusal(refused, changes=False).with_hint(
            f"the region of the bucket {self.name} cannot be found out: give it with --region"
        )

    def _seen_region(self, refused: Answer, given: str) -> str:
        """`given`, unless the bucket is closed to us there: HEAD is another right than the question for its region."""
        if refused.status < 400:
            raise store_errors.refusal(refused, changes=False)
        if refused.status != 403:
            return given
        answer = self._send(bucket_address(self.name, given, self._settings), "HEAD", "", {}, {})
        region = answer.headers.get("x-cos-bucket-region", "")
        if answer.status >= 300 and not region:
            raise store_errors.refusal(refused, changes=False)
        return region or given
