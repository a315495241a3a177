"""Buckets looked at beforehand: how they are set up, where they are, and whether we may write and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from imgmove.clouds.tencent.store import CosStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey, LifecycleRule, SurveyableStore
from imgmove.core.settings import Settings
from tests.clouds.tencent.scripted import Asked, Reply, ScriptedServer, cos_error, html, xml

LOCATION = xml("<LocationConstraint>ap-guangzhou</LocationConstraint>")
ACL = (
    "<AccessControlPolicy><Owner><ID>qcs::cam::uin/100:uin/100</ID></Owner>"
    "<AccessControlList>{}</AccessControlList></AccessControlPolicy>"
)
GRANT = '<Grant><Grantee xmlns:xsi="x" xsi:type="Group">{}</Grantee><Permission>{}</Permission></Grant>'
EVERYBODY = "<URI>http://cam.qcloud.com/groups/global/AllUsers</URI>"
LISTED = xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
CLOSED = cos_error("AccessDenied", 403)
ELSEWHERE = (
    "<ListAllMyBucketsResult><Buckets><Bucket><Name>bkt-125</Name><Location>ap-shanghai</Location></Bucket></Buckets>"
    "</ListAllMyBucketsResult>"
)
#: A bucket at which nothing was ever set.
PLAIN: Mapping[str, Reply] = {
    "location": LOCATION, "acl": xml(ACL.format("")), "encryption": cos_error("NoSuchEncryptionConfiguration", 404),
    "versioning": xml("<VersioningConfiguration/>"), "lifecycle": cos_error("NoSuchLifecycleConfiguration", 404),
    "list": LISTED, "head": Reply(200), "service": xml("<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
}  # fmt: skip


@dataclass
class Settled:
    """Answers the questions about a bucket, each by its name; in `region` alone, where one is given."""

    answers: dict[str, Reply]
    region: str = ""
    elsewhere: Reply = field(default_factory=lambda: cos_error("NoSuchBucket", 404))

    def __call__(self, asked: Asked) -> Reply:
        host = asked.headers["host"]
        if host.startswith("service."):
            return self.answers["service"]
        if self.region and f".cos.{self.region}." not in host:
            return self.elsewhere
        if asked.method == "HEAD":
            return self.answers["head"]
        return next((self.answers[name] for name in asked.query if name in self.answers), self.answers["list"])


def settled(server: ScriptedServer, region: str = "", elsewhere: Reply | None = None, **answers: Reply) -> None:
    found = Settled({**PLAIN, **answers}, region)
    server.otherwise = found if elsewhere is None else replace(found, elsewhere=elsewhere)


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


# ------------------------------------------------------------------------------------------------- how it is set up


def test_a_bucket_at_which_nothing_was_set(store: CosStore, server: ScriptedServer) -> None:
    assert isinstance(store, SurveyableStore)
    settled(server)
    assert store.survey() == BucketSurvey(
        "bkt-125", "ap-guangzhou", encryption="", acl="private", versioning="", lifecycle=(), may_list=True, owner="100"
    )
    assert {asked.method for asked in server.asked} == {"GET", "HEAD"}


@pytest.mark.parametrize("name", ["AES256", "KMS", "SM4"])
def test_encryption(store: CosStore, server: ScriptedServer, name: str) -> None:
    default = (
        f"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>{name}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
    )
    settled(
        server,
        encryption=xml(
            f"<ServerSideEncryptionConfiguration><Rule>{default}</Rule></ServerSideEncryptionConfiguration>"
        ),
    )
    assert store.survey().encryption == name


@pytest.mark.parametrize(("grants", "acl"), [
    ("", "private"),
    (GRANT.format("<ID>qcs::cam::uin/7:uin/7</ID>", "FULL_CONTROL"), "private"),
    (GRANT.format(EVERYBODY, "READ"), "public-read"),
    (GRANT.format(EVERYBODY, "READ_ACP"), "private"),
    (GRANT.format(EVERYBODY, "READ") + GRANT.format(EVERYBODY, "WRITE"), "public-read-write"),
    (GRANT.format("<ID>qcs::cam::anyone:anyone</ID>", "FULL_CONTROL"), "public-read-write"),
])  # fmt: skip
def test_access_control_lists(store: CosStore, server: ScriptedServer, grants: str, acl: str) -> None:
    settled(server, acl=xml(ACL.format(grants)))
    assert store.survey().acl == acl


def test_versions_and_zones(store: CosStore, server: ScriptedServer) -> None:
    settled(server, versioning=xml("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
            head=Reply(200, b"", {"x-cos-bucket-az-type": "MAZ"}))  # fmt: skip
    found = store.survey()
    assert (found.versioning, found.storage_class, found.is_archive) == ("suspended", "MAZ_STANDARD", False)


RULES = """<LifecycleConfiguration>
<Rule><ID>moves</ID><Filter><And><Prefix>exports/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Status>Enabled</Status>
<Transition><Days>100</Days><StorageClass>ARCHIVE</StorageClass></Transition>
<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition></Rule>
<Rule><ID>ends</ID><Filter/><Status>Disabled</Status><Expiration><Days>10</Days></Expiration>
<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
<Rule><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Date>2026-01-01T00:00:00+08:00</Date></Expiration>
<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration></Rule>
<Rule><ID>odd</ID><Expiration><Days>99999999999999999999</Days></Expiration><Transition/></Rule>
</LifecycleConfiguration>"""


def test_lifecycle_rules(store: CosStore, server: ScriptedServer) -> None:
    settled(server, lifecycle=xml(RULES))
    assert store.survey().lifecycle == (
        LifecycleRule("moves", "exports/", transition_days=30, transition_class="STANDARD_IA"),
        LifecycleRule("ends", "", enabled=False, expire_days=10, abort_upload_days=1),
        LifecycleRule("", "logs/", expire_days=0),
        LifecycleRule("odd", "", enabled=False),
    )


QUESTIONS = ("acl", "encryption", "versioning", "lifecycle")
UNANSWERED = [
    CLOSED, cos_error("NotImplemented", 501), cos_error("MethodNotAllowed", 405), cos_error("NoSuchKey", 404),
    Reply(404), html(404), html(502), html(200), LISTED, Reply(200), xml("<Error><Code>AccessDenied</Code></Error>"),
    xml("<oops"),
]  # fmt: skip


@pytest.mark.parametrize("reply", UNANSWERED)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_that_is_not_answered_is_the_only_one(
    store: CosStore, server: ScriptedServer, question: str, reply: Reply
) -> None:
    settled(server, **{question: reply})  # type: ignore[arg-type]  # none of them is called region
    found = store.survey()
    missing = {name for name in QUESTIONS if getattr(found, name) is None}
    assert (missing, found.region, found.may_list) == ({question}, "ap-guangzhou", True)


def test_a_list_that_is_closed(store: CosStore, server: ScriptedServer) -> None:
    settled(server, list=CLOSED)
    assert store.survey().may_list is False
    for reply in (cos_error("MethodNotAllowed", 405), html(200), xml("<Error><Code>AccessDenied</Code></Error>")):
        settled(server, list=reply)
        assert store.survey().may_list is None


@pytest.mark.parametrize("reply", [cos_error("SlowDown", 503), cos_error("InternalError", 500), Reply(429), Reply(503)])
@pytest.mark.parametrize("question", [*QUESTIONS, "list", "head"])
def test_troubles_are_not_taken_for_an_answer(
    store: CosStore, server: ScriptedServer, question: str, reply: Reply
) -> None:
    settled(server, **{question: reply})  # type: ignore[arg-type]  # none of them is called region
    assert fails(store.survey).is_passing


# ---------------------------------------------------------------------------------------------------- where it is


@pytest.mark.parametrize("elsewhere", [
    cos_error("NoSuchBucket", 404),
    CLOSED,
    cos_error("PermanentRedirect", 301, "<Endpoint>bkt-125.cos.ap-shanghai.myqcloud.com</Endpoint>"),
    Reply(301, b"", {"Location": "https://bkt-125.cos.ap-shanghai.myqcloud.com/?location"}),
    Reply(403, b"", {"x-cos-bucket-region": "ap-shanghai"}),
    Reply(404, b"", {"x-cos-bucket-region": "ap-shanghai"}),
    xml("<LocationConstraint>ap-shanghai</LocationConstraint>"),
])  # fmt: skip
def test_a_bucket_of_another_region_is_found_there(store: CosStore, server: ScriptedServer, elsewhere: Reply) -> None:
    settled(server, "ap-shanghai", elsewhere, location=xml("<LocationConstraint>ap-shanghai</LocationConstraint>"),
            service=xml(ELSEWHERE), lifecycle=xml(RULES))  # fmt: skip
    found = store.survey()
    assert (found.region, found.acl, found.may_list, len(found.lifecycle or ())) == ("ap-shanghai", "private", True, 4)
    assert store.region == "ap-guangzhou"


def test_without_a_region_the_store_is_asked(settings: Settings, server: ScriptedServer) -> None:
    settled(server)
    assert CosStore("bkt-125", "", settings).survey().region == "ap-guangzhou"


def test_there_is_no_such_bucket(store: CosStore, server: ScriptedServer, settings: Settings) -> None:
    settled(server, "nowhere")
    for found in (store, CosStore("bkt-125", "", settings)):
        error = fails(found.survey)
        assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")
    settled(server, location=Reply(404), list=cos_error("NoSuchBucket", 404))
    assert fails(store.survey).code == "NoSuchBucket"


def test_a_bucket_that_is_closed_altogether(store: CosStore, server: ScriptedServer) -> None:
    everything = dict.fromkeys((*QUESTIONS, "location", "list", "service"), CLOSED)
    settled(server, **everything, head=Reply(403))  # type: ignore[arg-type]  # none of them is called region
    assert fails(store.survey).kind is Kind.DENIED
    settled(server, **everything, head=Reply(403, b"", {"x-cos-bucket-region": "ap-guangzhou"}))  # type: ignore[arg-type]
    assert store.survey() == BucketSurvey("bkt-125", "ap-guangzhou", may_list=False)


@pytest.mark.parametrize("reply", [cos_error("NotImplemented", 501), cos_error("MethodNotAllowed", 405), html(404),
                                   cos_error("NoSuchKey", 404), LISTED])  # fmt: skip
def test_a_small_store_without_the_question_has_the_bucket_where_it_was_asked(
    store: CosStore, server: ScriptedServer, reply: Reply
) -> None:
    settled(server, location=reply)
    assert store.survey().region == "ap-guangzhou"


def test_a_redirect_to_nowhere_is_no_region(store: CosStore, server: ScriptedServer) -> None:
    settled(server, location=Reply(302, b"", {"Location": "http://login.example.com/"}))
    assert fails(store.survey).code == "NotTheService"


# ----------------------------------------------------------------------------------------------------- may we write


def test_a_write_that_never_takes_effect(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: cos_error("NoSuchUpload", 404)
    store.probe_write("exports/x.raw")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query["partNumber"]) == ("PUT", "/exports/x.raw", "1")
    assert len(asked.query["uploadId"]) == 74
    store.probe_write("exports/x.raw")
    assert server.asked[1].query["uploadId"] != asked.query["uploadId"]


REFUSALS = [
    (CLOSED, Kind.DENIED, "AccessDenied"), (Reply(403), Kind.DENIED, "AccessDenied"),
    (cos_error("SignatureDoesNotMatch", 403), Kind.DENIED, "SignatureDoesNotMatch"),
    (cos_error("InvalidAccessKeyId", 403), Kind.DENIED, "InvalidAccessKeyId"),
    (cos_error("RequestTimeTooSkewed", 403), Kind.DENIED, "RequestTimeTooSkewed"),
    (cos_error("ExpiredToken", 400), Kind.DENIED, "ExpiredToken"),
    (cos_error("PaymentRequired", 402), Kind.DENIED, "PaymentRequired"),
    (cos_error("UnavailableForLegalReasons", 451), Kind.DENIED, "UnavailableForLegalReasons"),
    (cos_error("InvalidArgument", 400), Kind.INVALID, "InvalidArgument"),
    (cos_error("NoSuchBucket", 404), Kind.NOT_FOUND, "NoSuchBucket"),
    (cos_error("SlowDown", 503), Kind.THROTTLED, "SlowDown"),
    (html(502), Kind.UNAVAILABLE, "NotTheService"),
    (Reply(403, b"", {"x-cos-bucket-region": "ap-shanghai"}), Kind.INVALID, "WrongRegion"),
    (Reply(301, b"", {"Location": "https://bkt-125.cos.ap-shanghai.myqcloud.com/x"}), Kind.INVALID, "WrongRegion"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "kind", "code"), REFUSALS)
def test_writes_that_are_refused(store: CosStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: store.probe_write("x"))
    assert (error.kind, error.code, error.maybe_applied) == (kind, code, False)
    assert ("UploadPart" in error.hint) is (code == "AccessDenied")
    assert len(server.asked) == 1


@dataclass
class Obliging:
    """A store that takes any part: of an upload that never was, or (without parts) as an object."""

    keeps_objects: bool
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        held, name = (
            (self.objects, asked.path) if self.keeps_objects else (self.uploads, asked.query.get("uploadId", ""))
        )
        if asked.method == "PUT":
            held[name] = asked.body
            return Reply(200, b"", {"ETag": '"x"'})
        if asked.method == "DELETE":
            of_object = not asked.query.get("uploadId")
            (self.objects if of_object else self.uploads).pop(asked.path if of_object else name, None)
            return Reply(204)
        if asked.path not in self.objects:
            return Reply(404)
        digest = hashlib.md5(self.objects[asked.path], usedforsecurity=False).hexdigest()
        return Reply(200, b"", {"ETag": f'"{digest}"', "Content-Length": "16"})


@pytest.mark.parametrize("keeps_objects", [True, False])
def test_nothing_stays_at_a_store_that_takes_it(store: CosStore, server: ScriptedServer, keeps_objects: bool) -> None:
    server.otherwise = obliging = Obliging(keeps_objects)
    store.probe_write("x")
    assert (obliging.objects, obliging.uploads) == ({}, {})


def test_a_page_that_says_welcome_is_no_right(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: html(200)
    assert fails(lambda: store.probe_write("x")).code == "NotTheService"


def test_somebody_elses_object_stays(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = obliging = Obliging(keeps_objects=False, objects={"/x": b"theirs"})
    store.probe_write("x")
    assert obliging.objects == {"/x": b"theirs"}


# ------------------------------------------------------------------------------------------------------ may we read


@pytest.mark.parametrize("reply", [
    cos_error("NoSuchKey", 404), Reply(404), Reply(200, b"x"), Reply(206, b"x"), cos_error("InvalidRange", 416),
    Reply(200, b"x" * 2_000_000),
])  # fmt: skip
def test_reads_that_are_allowed(store: CosStore, server: ScriptedServer, reply: Reply) -> None:
    server.otherwise = lambda asked: reply
    store.probe_read("x")
    assert [asked.method for asked in server.asked] == ["GET", "HEAD"]
    assert server.asked[0].headers["range"] == "bytes=0-0"


def test_an_archived_object_may_be_read_once_it_is_restored(store: CosStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: Reply(200) if asked.method == "HEAD" else cos_error("InvalidObjectState", 403)
    store.probe_read("x")


@pytest.mark.parametrize(("reply", "kind", "code"), REFUSALS)
def test_reads_that_are_refused(store: CosStore, server: ScriptedServer, reply: Reply, kind: Kind, code: str) -> None:
    server.otherwise = lambda asked: reply
    error = fails(lambda: store.probe_read("x"))
    assert (error.kind, error.code) == (kind, code)
    assert ("name/cos:HeadObject" in error.hint) is (code == "AccessDenied")


def test_a_right_to_get_is_none_to_look(store: CosStore, server: ScriptedServer) -> None:
    """GetObject and HeadObject are two rights in CAM."""
    server.otherwise = lambda asked: Reply(403) if asked.method == "HEAD" else cos_error("NoSuchKey", 404)
    error = fails(lambda: store.probe_read("x"))
    assert (error.kind, error.code) == (Kind.DENIED, "AccessDenied")


def test_keys_that_are_none(store: CosStore, server: ScriptedServer) -> None:
    for probe in (store.probe_read, store.probe_write):
        assert fails(lambda probe=probe: probe("/x")).kind is Kind.INVALID  # type: ignore[misc]  # bound now
    assert server.asked == []
