"""How the buckets of the second emulation's stores are set up, where they are, and how that is told in both dialects."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from tests.emulators.shelf import RefusedError, Shelf
from tests.emulators.wire import Ask, Say

ELSEWHERE: Final = (
    "The bucket you are attempting to access must be addressed using the specified endpoint. "
    "Please send all future requests to this endpoint."
)
#: How a bucket is refused where it is not: status, code, elements of the document, headers. `{bucket}` and `{region}`
#: are filled in. COS and OSS each in all the ways that their pages and their clients' readers speak of.
REFUSED_ELSEWHERE: Final[dict[str, dict[str, tuple[int, str, dict[str, str], dict[str, str]]]]] = {
    "x-cos-": {
        "404": (404, "NoSuchBucket", {}, {}),
        "301 named": (301, "PermanentRedirect", {"Endpoint": "{bucket}.cos.{region}.myqcloud.com"}, {}),
        "301 header": (301, "PermanentRedirect", {}, {"x-cos-bucket-region": "{region}"}),
        "301 location": (301, "PermanentRedirect", {}, {"Location": "http://{bucket}.cos.{region}.myqcloud.com/"}),
        "301 bare": (301, "PermanentRedirect", {}, {}),
        "403": (403, "AccessDenied", {}, {}),
        "403 header": (403, "AccessDenied", {}, {"x-cos-bucket-region": "{region}"}),
    },
    "x-oss-": {
        "404": (404, "NoSuchBucket", {}, {}),
        "403 named": (403, "AccessDenied", {"Message": ELSEWHERE, "Endpoint": "oss-{region}.aliyuncs.com"}, {}),
        "403 told": (403, "AccessDenied", {"Message": ELSEWHERE}, {}),
        "403 coded": (403, "AccessDenied", {"EC": "0003-00001403"}, {}),
        "403 coded header": (403, "AccessDenied", {}, {"x-oss-ec": "0003-00001403"}),
        "403 region": (403, "AccessDenied", {"Message": ELSEWHERE}, {"x-oss-bucket-region": "oss-{region}"}),
        "301 named": (301, "TemporaryRedirect", {"Endpoint": "oss-{region}.aliyuncs.com"}, {}),
        "307 location": (307, "TemporaryRedirect", {}, {"Location": "http://{bucket}.oss-{region}.aliyuncs.com/"}),
    },
}  # fmt: skip
_UNSET: Final = {
    "x-cos-": {"encryption": "NoSuchEncryptionConfiguration", "lifecycle": "NoSuchLifecycleConfiguration"},
    "x-oss-": {"encryption": "NoSuchServerSideEncryptionRule", "lifecycle": "NoSuchLifecycle"},
}
_EVERYBODY: Final = ("<URI>http://cam.qcloud.com/groups/global/AllUsers</URI>", "<ID>qcs::cam::anyone:anyone</ID>")


@dataclass(frozen=True)
class Rule:
    """A lifecycle rule."""

    id: str = "tidy"
    prefix: str = ""
    on: bool = True
    expires: int | None = None
    moves: tuple[int, str] | None = None
    gives_up: int | None = None


@dataclass(frozen=True)
class SetUp:
    """How one bucket is set up."""

    encryption: str = ""
    versioning: str = ""
    acl: str = "private"
    storage_class: str = "Standard"
    rules: tuple[Rule, ...] = ()
    owner: str = ""
    zones: bool = False


class SettledShelf(Shelf):
    """A shelf whose buckets tell how they are set up. Ways: `elsewhere`, `anywhere`, `closed calls`, `unset`, `part`."""

    set_up: dict[str, SetUp]

    def of(self, bucket: str) -> SetUp:
        return self.set_up.get(bucket, SetUp())

    # ------------------------------------------------------------------------------------------------- where it is

    def asked_region(self, ask: Ask) -> str:
        """COS hears it in the host's name, OSS in the scope of the signature."""
        if self.mark == "x-cos-":
            found = re.search(r"\.cos\.([a-z0-9-]+)\.", ask.headers.get("host", ""))
            return found.group(1) if found else ""
        signed = ask.query.get("x-oss-credential", "") or ask.headers.get("authorization", "")
        parts = signed.split(",")[0].split("/")
        return parts[2] if len(parts) > 2 else ""

    def look_at_place(self, ask: Ask, bucket: str) -> None:
        """Refuse what is asked in another region than the bucket's, in the way that was chosen; by default it is not."""
        region = self.buckets[bucket]
        way = self.ways.get("elsewhere")
        if way is None or ask.what in self.ways.get("anywhere", ()) or self.asked_region(ask) == region:
            return
        status, code, elements, headers = REFUSED_ELSEWHERE[self.mark][way]
        words = {"bucket": bucket, "region": region}
        raise RefusedError(
            status, code, {name: text.format_map(words) for name, text in headers.items()},
            **{name: text.format_map(words) for name, text in elements.items()},
        )  # fmt: skip

    def look_at_rights(self, ask: Ask) -> None:
        closed = self.ways.get("closed calls", ())
        if ask.what in closed:
            code = closed[ask.what] if isinstance(closed, dict) else "AccessDenied"
            raise RefusedError(400 if code == "PublicEndpointForbidden" else 403, code)

    def look_at_part(self, ask: Ask) -> None:
        """A part of an unknown upload, where the body or its digest is looked at before the upload is."""
        if ask.query.get("uploadId") in self.uploads:
            return
        way = self.ways.get("part", "")
        digest = ask.headers.get("content-md5", "")
        made = base64.b64encode(hashlib.md5(ask.body).digest()).decode()
        if way.startswith("digest") and digest and digest != made:
            raise RefusedError(400, "BadDigest" if way == "digest bad" else "InvalidDigest")
        if way == "bare":
            raise RefusedError(404, "")

    # ----------------------------------------------------------------------------------------------- how it is set up

    def do_HEAD_bucket(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        zones = {f"{self.mark}bucket-az-type": "MAZ"} if self.of(bucket).zones else {}
        region = {} if "few fields" in self.ways else {f"{self.mark}bucket-region": self.buckets[bucket]}
        return Say(200, b"", {**region, **zones})

    def do_GET_location(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        region = self.buckets[bucket] if self.mark == "x-cos-" else f"oss-{self.buckets[bucket]}"
        return self.xml(f"<LocationConstraint>{region}</LocationConstraint>")

    def do_GET_bucketInfo(self, _ask: Ask, bucket: str, _key: str) -> Say:
        if "closed" in self.ways:
            raise RefusedError(403, "AccessDenied")
        region, made = self.buckets[bucket], self.of(bucket)
        rule = f"<SSEAlgorithm>{made.encryption or 'None'}</SSEAlgorithm>"
        versioning = f"<Versioning>{made.versioning}</Versioning>" if made.versioning else ""
        owner = f"<Owner><DisplayName>o</DisplayName><ID>{made.owner}</ID></Owner>" if made.owner else ""
        more = (
            f"<AccessControlList><Grant>{made.acl}</Grant></AccessControlList>{versioning}{owner}"
            f"<ServerSideEncryptionRule>{rule}</ServerSideEncryptionRule><BucketPolicy><LogBucket/></BucketPolicy>"
            f"<StorageClass>{made.storage_class}</StorageClass>"
        )
        more = "" if "few fields" in self.ways else more
        return self.xml(
            f"<BucketInfo><Bucket><Name>{bucket}</Name><Location>oss-{region}</Location>{more}</Bucket></BucketInfo>"
        )

    def do_GET_encryption(self, _ask: Ask, bucket: str, _key: str) -> Say:
        name = self.of(bucket).encryption
        outer = "ServerSideEncryptionConfiguration" if self.mark == "x-cos-" else "ServerSideEncryptionRule"
        if not name:
            return self._unset("encryption", outer)
        inner = (
            f"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>{name}</SSEAlgorithm>"
            "<KMSMasterKeyID></KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
        )
        inner = f"<Rule>{inner}</Rule>" if self.mark == "x-cos-" else inner
        return self.xml(f"<{outer}>{inner}</{outer}>")

    def _unset(self, parameter: str, outer: str) -> Say:
        """What was never made: an error, whose status the pages do not agree on, or an empty document."""
        way = self.ways.get("unset", "404")
        if way == "empty":
            return self.xml(f"<{outer}></{outer}>")
        raise RefusedError(int(way), _UNSET[self.mark][parameter])

    def do_GET_versioning(self, _ask: Ask, bucket: str, _key: str) -> Say:
        status = self.of(bucket).versioning
        inner = f"<Status>{status}</Status>" if status else ""
        return self.xml(f"<VersioningConfiguration>{inner}</VersioningConfiguration>")

    def do_GET_acl(self, _ask: Ask, bucket: str, _key: str) -> Say:
        made = self.of(bucket)
        if self.mark == "x-oss-":
            grants, owner = f"<Grant>{made.acl}</Grant>", made.owner or "1"
        else:
            grants, number = self._grants(made.acl), made.owner or "100"
            owner = f"qcs::cam::uin/{number}:uin/{number}"
        return self.xml(
            f"<AccessControlPolicy><Owner><ID>{owner}</ID><DisplayName>{owner}</DisplayName></Owner>"
            f"<AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
        )

    def _grants(self, acl: str) -> str:
        """COS's grants: the owner's own, and everybody's in either form."""
        everybody = _EVERYBODY["anyone" in self.ways]
        kind = "CanonicalUser" if "anyone" in self.ways else "Group"
        allowed = {"public-read": ("READ",), "public-read-write": ("READ", "WRITE")}.get(acl, ())
        named = [("CanonicalUser", "<ID>qcs::cam::uin/100:uin/100</ID>", "FULL_CONTROL"),
                 *((kind, everybody, permission) for permission in allowed)]  # fmt: skip
        return "".join(
            f'<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}">{who}</Grantee>'
            f"<Permission>{permission}</Permission></Grant>"
            for kind, who, permission in named
        )

    def do_GET_lifecycle(self, _ask: Ask, bucket: str, _key: str) -> Say:
        rules = self.of(bucket).rules
        if not rules:
            return self._unset("lifecycle", "LifecycleConfiguration")
        inner = "".join(self._rule(rule) for rule in rules)
        return self.xml(f"<LifecycleConfiguration>{inner}</LifecycleConfiguration>")

    def _rule(self, rule: Rule) -> str:
        cos = self.mark == "x-cos-"
        prefix = f"<Prefix>{rule.prefix}</Prefix>"
        if cos:
            forms = {"and": f"<Filter><And>{prefix}<Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>",
                     "bare": prefix, "none": "<Filter/>" if not rule.prefix else f"<Filter>{prefix}</Filter>"}  # fmt: skip
            prefix = forms.get(self.ways.get("filter", ""), f"<Filter>{prefix}</Filter>")
        parts = [f"<ID>{rule.id}</ID>{prefix}<Status>{'Enabled' if rule.on else 'Disabled'}</Status>"]
        if rule.expires is not None:
            parts.append(f"<Expiration><Days>{rule.expires}</Days></Expiration>")
        if rule.moves is not None:
            days, kind = rule.moves
            parts.append(f"<Transition><Days>{days}</Days><StorageClass>{kind}</StorageClass></Transition>")
        if rule.gives_up is not None:
            outer, days_tag = (
                ("AbortIncompleteMultipartUpload", "DaysAfterInitiation") if cos else ("AbortMultipartUpload", "Days")
            )
            parts.append(f"<{outer}><{days_tag}>{rule.gives_up}</{days_tag}></{outer}>")
        return f"<Rule>{''.join(parts)}</Rule>"

    def do_GET_service(self, _ask: Ask, _bucket: str, _key: str) -> Say:
        if "closed list" in self.ways:
            raise RefusedError(403, "AccessDenied")
        prefix = "" if self.mark == "x-cos-" else "oss-"
        rows = "".join(
            f"<Bucket><Name>{name}</Name><Location>{prefix}{region}</Location>"
            f"<StorageClass>{self.of(name).storage_class}</StorageClass></Bucket>"
            for name, region in self.buckets.items()
        )
        return self.xml(f"<ListAllMyBucketsResult><Buckets>{rows}</Buckets></ListAllMyBucketsResult>")
