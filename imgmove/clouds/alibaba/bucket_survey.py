"""How an OSS bucket is set up: all of it by GetBucketInfo, and what that does not tell piece by piece."""

from __future__ import annotations

from typing import Final

from imgmove.clouds.alibaba import answers, lifecycle_rules, limits, store_errors
from imgmove.clouds.alibaba.answers import xml_text
from imgmove.clouds.alibaba.bucket import Bucket
from imgmove.clouds.alibaba.store_xml import Element, region_name
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey, LifecycleRule

#: Answers to GetBucketInfo after which the pieces are asked: closed to us, or not there in a small emulation.
_CLOSED: Final = frozenset({401, 403, 405, 501})
#: Codes for a setting that was never made; OSS's pages and its SDK do not agree on the status (400 or 404).
_UNSET: Final = frozenset({"NoSuchLifecycle", "NoSuchServerSideEncryptionRule"})
_NOTHING: Final = Element("Unset")


def survey(bucket: Bucket) -> BucketSurvey:
    """What can be seen of the bucket, in whichever region it is (`imgmove.core.inspection.SurveyableStore`).

    UNSUPPORTED for a store that has no call at all which tells anything: a small emulation refuses nobody by that.
    """
    region, answer = bucket.described()
    if answer.status in _CLOSED:
        return _Look(bucket, bucket.located(), None).survey()
    described = bucket.root(answer).find("Bucket")
    found = "" if described is None else region_name(xml_text(described, "Location"))
    return _Look(bucket, found or region, described).survey()


class _Look:
    """One look at a bucket in its region; `described` is what GetBucketInfo says, if it says anything."""

    def __init__(self, bucket: Bucket, region: str, described: Element | None) -> None:
        self._bucket = bucket
        self._region = region
        self._described = Element("Bucket") if described is None else described

    def survey(self) -> BucketSurvey:
        storage_class = self._storage_class()
        return BucketSurvey(
            name=self._bucket.name,
            region=self._region,
            encryption=self._encryption(),
            storage_class=storage_class,
            is_archive=storage_class in limits.ARCHIVE_CLASSES,
            acl=self._told("AccessControlList/Grant", "acl", "AccessControlPolicy", "AccessControlList/Grant") or None,
            versioning=self._versioning(),
            lifecycle=self._lifecycle(),
            may_list=self._may_list(),
            owner=xml_text(self._described, "Owner/ID"),
        )

    def _storage_class(self) -> str:
        """The bucket's class; where its information is closed or leaves it out, the list of our buckets may have it."""
        found = xml_text(self._described, "StorageClass")
        if found:
            return found
        entry = self._bucket.listed(self._region)
        return "" if entry is None else xml_text(entry, "StorageClass")

    def _encryption(self) -> str | None:
        path = "ApplyServerSideEncryptionByDefault/SSEAlgorithm"
        found = self._told("ServerSideEncryptionRule/SSEAlgorithm", "encryption", "ServerSideEncryptionRule", path)
        return "" if found == "None" else found

    def _versioning(self) -> str | None:
        found = self._told("Versioning", "versioning", "VersioningConfiguration", "Status")
        return None if found is None else found.lower()

    def _lifecycle(self) -> tuple[LifecycleRule, ...] | None:
        root = self._setting("lifecycle", "LifecycleConfiguration")
        return None if root is None else lifecycle_rules.read(root, self._bucket.now())

    def _told(self, here: str, parameter: str, root_tag: str, path: str) -> str | None:
        """What the bucket's information says `here`, else the setting itself; None where we may not look."""
        found = xml_text(self._described, here)
        if found:
            return found
        root = self._setting(parameter, root_tag)
        return None if root is None else xml_text(root, path)

    def _setting(self, parameter: str, root_tag: str) -> Element | None:
        """One setting's document, an empty one where it was never made; None where we may not look.

        An answer that is none of that setting is none either: small stores pass over parameters that they do not know.
        """
        answer = self._bucket.ask(self._region, {parameter: ""})
        if store_errors.code_of(answer) in _UNSET:
            return _NOTHING
        if answer.status >= 300:
            self._raise_passing(store_errors.refusal(answer, changes=False, asked_region=self._region))
            return None
        root = answers.xml_root(answer.body)
        return root if root is not None and root.tag == root_tag else None

    def _may_list(self) -> bool | None:
        answer = self._bucket.ask(self._region, {"list-type": "2", "max-keys": "1"})
        if answer.status < 300:
            root = answers.xml_root(answer.body)
            return True if root is not None and root.tag == "ListBucketResult" else None
        error = store_errors.refusal(answer, changes=False, asked_region=self._region)
        self._raise_passing(error)
        return False if error.kind is Kind.DENIED else None

    @staticmethod
    def _raise_passing(error: ImgmoveError) -> None:
        """Raise OSS's own troubles, after which the same may be asked again."""
        if error.is_passing and error.code != "NotTheService":
            raise error
