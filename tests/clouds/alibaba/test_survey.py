"""How an OSS bucket is set up, and what may be done with it: whole answers, closed ones, odd ones, other regions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imgmove.clouds.alibaba import cloud
from imgmove.clouds.alibaba.store import OssStore
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import BucketSurvey, LifecycleRule, SurveyableStore
from imgmove.core.settings import Settings
from imgmove.sandbox import Sandbox
from imgmove.sandbox.world.lifecycle_rules import LifecycleRule as SandboxRule
from imgmove.sandbox.world.lifecycle_rules import Transition
from tests.clouds.alibaba.harness import BUCKET, REGION, limited, settings_for
from tests.clouds.alibaba.scripted import Asked, Reply, ScriptedServer, oss_error, xml

SINGAPORE = "ap-southeast-1"
DENIED = oss_error("AccessDenied", 403)
NO_CALL = oss_error("NotImplemented", 501)
LIST = xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
SETTINGS = ("encryption", "acl", "versioning", "lifecycle")


def info(more: str = "", region: str = REGION, storage_class: str = "Standard") -> Reply:
    """GetBucketInfo."""
    return xml(
        f"<BucketInfo><Bucket><Name>bkt</Name><Location>oss-{region}</Location><StorageClass>{storage_class}</StorageClass>"
        f"<Owner><ID>123</ID><DisplayName>123</DisplayName></Owner>{more}</Bucket></BucketInfo>"
    )


WHOLE = (
    "<AccessControlList><Grant>private</Grant></AccessControlList><Versioning>Enabled</Versioning>"
    "<ServerSideEncryptionRule><SSEAlgorithm>None</SSEAlgorithm></ServerSideEncryptionRule>"
)


def answering(replies: Mapping[str, Reply], otherwise: Reply = DENIED) -> Callable[[Asked], Reply]:
    """Answers by the first parameter of the query, `bucketInfo` say; `buckets` is the list of buckets."""

    def answer(asked: Asked) -> Reply:
        name = "buckets" if asked.path == "/" else next(iter(asked.query), "")
        return replies.get(name, otherwise)

    return answer


def asked_for(server: ScriptedServer) -> list[str]:
    return ["buckets" if asked.path == "/" else next(iter(asked.query), "") for asked in server.asked]


def fails(call: Callable[[], object]) -> ImgmoveError:
    with pytest.raises(ImgmoveError) as caught:
        call()
    return caught.value


# --------------------------------------------------------------------------------------------------------- survey


def test_the_store_can_be_surveyed(store: OssStore) -> None:
    assert isinstance(store, SurveyableStore)


def test_a_bucket_that_tells_all_at_once(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = answering(
        {"bucketInfo": info(WHOLE), "lifecycle": oss_error("NoSuchLifecycle", 404), "list-type": LIST}
    )
    assert store.survey() == BucketSurvey(
        name="bkt", region=REGION, encryption="", storage_class="Standard", acl="private", versioning="enabled",
        lifecycle=(), may_list=True, owner="123",
    )  # fmt: skip
    assert asked_for(server) == ["bucketInfo", "lifecycle", "list-type"]
    assert {asked.method for asked in server.asked} == {"GET"}


def test_what_the_information_leaves_out_is_asked(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = answering({
        "bucketInfo": info(), "list-type": LIST,
        "encryption": xml("<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>KMS</SSEAlgorithm>"
                          "</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"),
        "acl": xml("<AccessControlPolicy><AccessControlList><Grant>public-read</Grant></AccessControlList>"
                   "</AccessControlPolicy>"),
        "versioning": xml("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
        "lifecycle": xml("<LifecycleConfiguration></LifecycleConfiguration>"),
    })  # fmt: skip
    found = store.survey()
    assert (found.encryption, found.acl, found.versioning, found.lifecycle) == ("KMS", "public-read", "suspended", ())


def test_settings_that_were_never_made(store: OssStore, server: ScriptedServer) -> None:
    for status in (400, 404):
        server.otherwise = answering({
            "bucketInfo": info(), "encryption": oss_error("NoSuchServerSideEncryptionRule", status),
            "versioning": xml("<VersioningConfiguration/>"), "lifecycle": oss_error("NoSuchLifecycle", status),
        })  # fmt: skip
        found = store.survey()
        assert (found.encryption, found.versioning, found.lifecycle) == ("", "", ())


@pytest.mark.parametrize("closed", [DENIED, NO_CALL, oss_error("MethodNotAllowed", 405), Reply(403)])
def test_a_closed_bucket_tells_what_it_lets_see(store: OssStore, server: ScriptedServer, closed: Reply) -> None:
    buckets = xml(
        "<ListAllMyBucketsResult><Buckets><Bucket><Name>bkt</Name><Location>oss-cn-hangzhou</Location>"
        "<StorageClass>Archive</StorageClass></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    location = xml("<LocationConstraint>oss-cn-hangzhou</LocationConstraint>")
    server.otherwise = answering({"location": location, "buckets": buckets}, closed)
    found = store.survey()
    assert found == BucketSurvey(
        "bkt", REGION, storage_class="Archive", is_archive=True, may_list=None if closed.status in {405, 501} else False
    )
    server.otherwise = answering({"location": location}, closed)
    assert store.survey().storage_class == ""


def test_a_bucket_of_which_not_even_the_region_may_be_asked(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = answering({}, DENIED)
    error = fails(store.survey)
    assert (error.kind, error.request_id) == (Kind.DENIED, "OSS-ERR")
    for missing in (NO_CALL, oss_error("MethodNotAllowed", 405)):
        server.otherwise = answering({}, missing)
        assert fails(store.survey).kind is Kind.UNSUPPORTED


def test_a_bucket_that_is_not_there(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = answering({}, oss_error("NoSuchBucket", 404))
    error = fails(store.survey)
    assert (error.kind, error.code) == (Kind.NOT_FOUND, "NoSuchBucket")


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "UserDisable", "RequestTimeTooSkewed"])
def test_keys_that_are_refused(store: OssStore, server: ScriptedServer, code: str) -> None:
    server.otherwise = answering({}, oss_error(code, 403))
    error = fails(store.survey)
    assert (error.kind, error.code) == (Kind.DENIED, code)


def test_troubles_are_told_and_odd_answers_are_none(store: OssStore, server: ScriptedServer) -> None:
    for trouble in (oss_error("ServiceUnavailable", 503), oss_error("TotalQpsLimitExceeded", 503)):
        server.otherwise = answering({"bucketInfo": info(), "list-type": LIST}, trouble)
        assert fails(store.survey).is_passing
    for odd in (
        LIST,
        Reply(200, b"<html>sign in</html>"),
        Reply(502, b"<html>bad</html>"),
        xml("<Error/>"),
        Reply(200),
    ):
        server.otherwise = answering({"bucketInfo": info()}, odd)
        found = store.survey()
        assert (found.encryption, found.acl, found.versioning, found.lifecycle) == (None, None, None, None)
        assert found.may_list is (True if odd is LIST else None)


@pytest.mark.parametrize(
    ("storage_class", "is_archive"),
    [
        ("Standard", False),
        ("IA", False),
        ("Archive", True),
        ("ColdArchive", True),
        ("DeepColdArchive", True),
        ("", False),
    ],
)
def test_classes(store: OssStore, server: ScriptedServer, storage_class: str, is_archive: bool) -> None:
    server.otherwise = answering({"bucketInfo": info(WHOLE, storage_class=storage_class)})
    found = store.survey()
    assert (found.storage_class, found.is_archive) == (storage_class, is_archive)


def rule(text: str, store: OssStore, server: ScriptedServer) -> LifecycleRule:
    document = xml(f"<LifecycleConfiguration><Rule>{text}</Rule></LifecycleConfiguration>")
    server.otherwise = answering({"bucketInfo": info(WHOLE), "lifecycle": document})
    found = store.survey().lifecycle
    assert found is not None
    (only,) = found
    return only


def test_lifecycle_rules(store: OssStore, server: ScriptedServer) -> None:
    text = (
        "<ID>r1</ID><Prefix>img/</Prefix><Status>Enabled</Status><Expiration><Days>7</Days></Expiration>"
        "<Transition><Days>30</Days><StorageClass>Archive</StorageClass></Transition>"
        "<Transition><Days>3</Days><StorageClass>IA</StorageClass></Transition>"
        "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>"
    )
    assert rule(text, store, server) == LifecycleRule("r1", "img/", True, 7, 3, "IA", 1)
    assert rule("<ID>r2</ID><Prefix/><Status>Disabled</Status>", store, server) == LifecycleRule("r2", "", False)


@pytest.mark.parametrize(
    ("moment", "days"),
    [
        ("<Days>0</Days>", 0), ("<Days>many</Days>", None), ("<Days>-1</Days>", None), (f"<Days>{'9' * 5000}</Days>", None),
        ("<CreatedBeforeDate>2026-05-30T00:00:00.000Z</CreatedBeforeDate>", 2), ("<Date>2026-05-30T00:00:00Z</Date>", 2),
        ("<CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate>", None), ("<Date>soon</Date>", None),
        ("<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>", None),
    ],
)  # fmt: skip
def test_when_objects_expire(store: OssStore, server: ScriptedServer, moment: str, days: int | None) -> None:
    found = rule(f"<Status>Enabled</Status><Expiration>{moment}</Expiration>", store, server)
    assert found.expire_days == days


# ------------------------------------------------------------------------------------------------- other regions


def elsewhere(more: str = "") -> Reply:
    message = "The bucket you are attempting to access must be addressed using the specified endpoint."
    return xml(f"<Error><Code>AccessDenied</Code><Message>{message}</Message><EC>0003-00001403</EC>{more}</Error>", 403)


def of_region(good: Callable[[Asked], Reply], region: str, refusal: Reply) -> Callable[[Asked], Reply]:
    """`good` answers to requests signed for `region`, and `refusal` to all others but the list of buckets."""

    def answer(asked: Asked) -> Reply:
        here = f"/{region}/oss/" in asked.headers["authorization"] or asked.path == "/"
        return good(asked) if here else refusal

    return answer


BUCKETS = xml(
    "<ListAllMyBucketsResult><Buckets><Bucket><Name>bkt</Name><Location>oss-ap-southeast-1</Location></Bucket></Buckets>"
    "</ListAllMyBucketsResult>"
)


@pytest.mark.parametrize(
    "refusal",
    [
        elsewhere("<Endpoint>oss-ap-southeast-1.aliyuncs.com</Endpoint>"), elsewhere("<Region>ap-southeast-1</Region>"),
        Reply(301, b"", {"Location": "https://bkt.oss-ap-southeast-1.aliyuncs.com/"}),
        Reply(403, b"", {"x-oss-bucket-region": "oss-ap-southeast-1"}), elsewhere(),
        Reply(403, b"", {"x-oss-ec": "0003-00001403"}),
    ],
)  # fmt: skip
def test_a_bucket_of_another_region_is_found_there(store: OssStore, server: ScriptedServer, refusal: Reply) -> None:
    good = answering({
        "bucketInfo": info(WHOLE, SINGAPORE), "list-type": LIST, "buckets": BUCKETS, "partNumber": oss_error("NoSuchUpload", 404),
        "lifecycle": oss_error("NoSuchLifecycle", 404), "": oss_error("NoSuchKey", 404),
    })  # fmt: skip
    server.otherwise = of_region(good, SINGAPORE, refusal)
    found = store.survey()
    assert (found.region, found.acl, found.may_list, found.lifecycle) == (SINGAPORE, "private", True, ())
    store.probe_write("k")
    store.probe_read("k")


def test_a_wrong_region_shows_as_a_wrong_signature_at_names_of_ones_own(
    store: OssStore, server: ScriptedServer
) -> None:
    good = answering({"": oss_error("NoSuchKey", 404), "partNumber": oss_error("NoSuchUpload", 404)})
    wrong = of_region(good, SINGAPORE, oss_error("SignatureDoesNotMatch", 403))
    server.otherwise = lambda asked: info(WHOLE, SINGAPORE) if "bucketInfo" in asked.query else wrong(asked)
    store.probe_read("k")
    store.probe_write("k")
    server.otherwise = answering({"bucketInfo": info(WHOLE)}, oss_error("SignatureDoesNotMatch", 403))
    assert fails(lambda: store.probe_read("k")).code == "SignatureDoesNotMatch"
    server.otherwise = answering({}, oss_error("SignatureDoesNotMatch", 403))
    assert fails(lambda: store.probe_write("k")).code == "SignatureDoesNotMatch"


def test_another_region_that_nobody_names_is_no_missing_right(store: OssStore, server: ScriptedServer) -> None:
    server.otherwise = lambda asked: elsewhere()
    for call in (lambda: store.probe_write("k"), lambda: store.put("k", b"x")):
        error = fails(call)
        assert error.kind is Kind.INVALID
        assert f"in another region, not in {REGION}" in error.message


# --------------------------------------------------------------------------------------------------------- probes


@pytest.mark.parametrize(
    "answer",
    [oss_error("NoSuchUpload", 404), oss_error("InvalidDigest", 400), oss_error("NoSuchKey", 404), Reply(404)],
)
def test_who_may_write(store: OssStore, server: ScriptedServer, answer: Reply) -> None:
    server.otherwise = lambda asked: answer
    store.probe_write("a/b")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", "/bkt/a/b")
    assert asked.query["partNumber"] == "1"
    assert len(asked.query["uploadId"]) == 32
    assert asked.headers["content-md5"] == "1B2M2Y8AsgTpgAmY7PhCfg=="  # that of no bytes at all
    assert asked.body


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (DENIED, Kind.DENIED, "AccessDenied"), (Reply(403), Kind.DENIED, "AccessDenied"),
        (oss_error("NoSuchBucket", 404), Kind.NOT_FOUND, "NoSuchBucket"),
        (oss_error("InvalidAccessKeyId", 403), Kind.DENIED, "InvalidAccessKeyId"),
        (NO_CALL, Kind.UNSUPPORTED, "NotImplemented"), (oss_error("InternalError", 500), Kind.UNAVAILABLE, "InternalError"),
        (Reply(200, b"<html/>", {"Content-Type": "text/html"}, hang_up=True), Kind.UNAVAILABLE, "NoAnswer"),
        (Reply(404, b"<html>gone</html>"), Kind.UNAVAILABLE, "NotTheService"),
    ],
)  # fmt: skip
def test_who_may_not(store: OssStore, server: ScriptedServer, answer: Reply, kind: Kind, code: str) -> None:
    server.otherwise = lambda asked: answer
    for call in (store.probe_write, store.probe_read):
        error = fails(lambda call=call: call("k"))  # type: ignore[misc]  # bound now
        assert (error.kind, error.code) == (kind, code)
        assert not error.maybe_applied
    if code == "AccessDenied":
        assert "oss:PutObject" in fails(lambda: store.probe_write("k")).hint
        assert "oss:GetObject" in fails(lambda: store.probe_read("k")).hint


def test_the_public_name_that_is_closed_says_what_to_do(store: OssStore, server: ScriptedServer) -> None:
    closed = xml("<Error><Code>PublicEndpointForbidden</Code><Message>no</Message><EC>0048-00000401</EC></Error>", 400)
    server.otherwise = answering({"bucketInfo": info(WHOLE), "lifecycle": oss_error("NoSuchLifecycle", 404)}, closed)
    assert store.survey().may_list is False
    for call in (store.probe_write, store.probe_read):
        error = fails(lambda call=call: call("k"))  # type: ignore[misc]  # bound now
        assert (error.kind, error.code) == (Kind.DENIED, "PublicEndpointForbidden")
        for way in ("network = internal", "IMGMOVE_ENDPOINT_URL_OSS", "oss_cname", "cn-hongkong"):
            assert way in error.hint


@pytest.mark.parametrize(
    "answer",
    [
        oss_error("NoSuchKey", 404), Reply(404), Reply(206, b"x"), Reply(200, b"whole"), oss_error("InvalidRange", 416),
        oss_error("InvalidObjectState", 403), Reply(200, b"x" * (2 << 20)),
    ],
)  # fmt: skip
def test_who_may_read(store: OssStore, server: ScriptedServer, answer: Reply) -> None:
    server.otherwise = lambda asked: answer
    store.probe_read("k")
    (asked,) = server.asked
    assert (asked.method, asked.headers["range"]) == ("GET", "bytes=0-0")


def test_a_store_that_takes_the_probe_is_tidied(store: OssStore, server: ScriptedServer) -> None:
    """One that knows no uploads makes an object of the part; it is known by its bytes, and another's is left alone."""
    made = hashlib.md5(b"", usedforsecurity=False)

    def answer(asked: Asked) -> Reply:
        nonlocal made
        if asked.method == "PUT":
            made = hashlib.md5(asked.body, usedforsecurity=False)
        return Reply(200, b"", {"ETag": f'"{made.hexdigest().upper()}"'})

    server.otherwise = answer
    store.probe_write("k")
    assert [(asked.method, sorted(asked.query)) for asked in server.asked] == [
        ("PUT", ["partNumber", "uploadId"]), ("DELETE", ["uploadId"]), ("HEAD", []), ("DELETE", []),
    ]  # fmt: skip
    server.asked.clear()
    server.otherwise = lambda asked: Reply(200, b"", {"ETag": '"ANOTHER"'})
    store.probe_write("k")
    assert [asked.method for asked in server.asked] == ["PUT", "DELETE", "HEAD"]


def test_keys_that_are_none(store: OssStore, server: ScriptedServer) -> None:
    for call in (store.probe_write, store.probe_read):
        assert fails(lambda call=call: call("/x")).kind is Kind.INVALID  # type: ignore[misc]  # bound now
    assert server.asked == []


# -------------------------------------------------------------------------------------------------------- sandbox


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return settings_for(sandbox, tmp_path)


def surveyable(settings: Settings, bucket: str = BUCKET, region: str = REGION) -> SurveyableStore:
    store = cloud.store("oss", bucket, region, settings)
    assert isinstance(store, SurveyableStore)
    return store


def test_a_bucket_of_the_sandbox(sandbox: Sandbox, live: Settings) -> None:
    store = surveyable(live)
    found = store.survey()
    assert (found.name, found.region, found.encryption, found.storage_class) == (BUCKET, REGION, "", "Standard")
    assert (found.acl, found.versioning, found.lifecycle, found.may_list) == ("private", "", (), True)
    assert found.owner == "1000000000000001"
    store.probe_write("probe")
    store.probe_read("probe")
    assert list(cloud.store("oss", BUCKET, REGION, live).list("")) == []
    assert list(cloud.store("oss", BUCKET, REGION, live).uploads("")) == []


def test_a_bucket_of_another_region_in_the_sandbox(live: Settings) -> None:
    for region in ("", REGION):
        store = surveyable(live, "imgmove-sg", region)
        assert store.survey().region == SINGAPORE
        assert store.survey().may_list
        store.probe_write("probe")
        store.probe_read("probe")


def test_a_missing_bucket_of_the_sandbox(live: Settings) -> None:
    store = surveyable(live, "imgmove-missing")
    for call in (store.survey, lambda: store.probe_write("k"), lambda: store.probe_read("k")):
        assert fails(call).code == "NoSuchBucket"


def test_a_bucket_that_is_set_up_otherwise(sandbox: Sandbox, live: Settings) -> None:
    with sandbox.world.lock:
        bucket = sandbox.world.objects.bucket("alibaba", BUCKET)
        assert bucket is not None
        bucket.encryption, bucket.storage_class, bucket.acl = "KMS", "ColdArchive", "public-read"
    found = surveyable(live).survey()
    assert (found.encryption, found.storage_class, found.is_archive, found.acl) == (
        "KMS", "ColdArchive", True, "public-read",
    )  # fmt: skip


def test_a_bucket_with_versions_and_rules(sandbox: Sandbox, live: Settings) -> None:
    with sandbox.world.lock:
        bucket = sandbox.world.objects.bucket("alibaba", BUCKET)
        assert bucket is not None
        bucket.versioning = "Enabled"
        move = Transition("Archive", days=30)
        bucket.lifecycle = [SandboxRule("old", "export/", expire_days=7, transitions=[move], abort_upload_days=1)]
    found = surveyable(live).survey()
    assert found.versioning == "enabled"
    assert found.lifecycle == (LifecycleRule("old", "export/", True, 7, 30, "Archive", 1),)


def test_a_user_who_may_write_alone(sandbox: Sandbox, live: Settings) -> None:
    store = surveyable(limited(sandbox, live, "oss:PutObject", "oss:GetBucketLocation"))
    found = store.survey()
    assert found == BucketSurvey(BUCKET, REGION, may_list=False)
    store.probe_write("probe")
    error = fails(lambda: store.probe_read("probe"))
    assert (error.kind, error.code) == (Kind.DENIED, "AccessDenied")
    assert "oss:GetObject" in error.hint


def test_a_user_who_may_read_alone(sandbox: Sandbox, live: Settings) -> None:
    store = surveyable(limited(sandbox, live, "oss:Get*", "oss:List*"))
    found = store.survey()
    assert (found.region, found.encryption, found.lifecycle, found.may_list) == (REGION, "", (), True)
    store.probe_read("probe")
    error = fails(lambda: store.probe_write("probe"))
    assert (error.kind, error.code) == (Kind.DENIED, "AccessDenied")
    assert "oss:PutObject" in error.hint


def test_a_user_who_may_nothing(sandbox: Sandbox, live: Settings) -> None:
    store = surveyable(limited(sandbox, live, "ecs:*"))
    for call in (store.survey, lambda: store.probe_write("k"), lambda: store.probe_read("k")):
        assert (fails(call).kind, fails(call).code) == (Kind.DENIED, "AccessDenied")


def test_the_public_name_that_is_closed_to_newer_accounts(sandbox: Sandbox, live: Settings) -> None:
    with sandbox.world.lock:
        for name in (BUCKET, "imgmove-sg"):
            bucket = sandbox.world.objects.bucket("alibaba", name)
            assert bucket is not None
            bucket.public_endpoint_forbidden = True
    store = surveyable(live)
    found = store.survey()
    assert (found.region, found.encryption, found.may_list) == (REGION, "", False)
    for call in (lambda: store.probe_write("k"), lambda: store.probe_read("k")):
        assert fails(call).code == "PublicEndpointForbidden"
        assert "oss_cname" in fails(call).hint
    surveyable(live, "imgmove-sg", SINGAPORE).probe_write("k")


def test_wrong_secrets_are_told(live: Settings) -> None:
    wrong = replace(live, environment={**live.environment, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong-secret"})
    for call in (surveyable(wrong).survey, lambda: surveyable(wrong).probe_write("k")):
        error = fails(call)
        assert (error.kind, error.code) == (Kind.DENIED, "SignatureDoesNotMatch")
