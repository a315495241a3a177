"""Looks beforehand at the second emulation: both directions, what is there and good, readings of the documents, safety."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from tests.emulators.cam import grant as cam_grant
from tests.emulators.conftest import EVERY, Cli, Clouds, Done
from tests.emulators.ram import IMPORT_ROLE

CVM_IMAGE, ECS_IMAGE = "img-web00001", "m-bp67acfmxazb4p"
COS_BUCKET, OSS_BUCKET = "stage-1250000000", "stage"


@dataclass(frozen=True)
class Way:
    """A migration: where from, where to, and the words for it."""

    source: str
    destination: str
    words: tuple[str, ...]


TO_ECS: Final = Way("tencent", "alibaba", (
    f"tencent://ap-guangzhou/{CVM_IMAGE}", "alibaba://cn-hangzhou",
    "--source-bucket", COS_BUCKET, "--dest-bucket", OSS_BUCKET, "--name", "web2",
))  # fmt: skip
TO_CVM: Final = Way("alibaba", "tencent", (
    f"alibaba://cn-hangzhou/{ECS_IMAGE}", "tencent://ap-guangzhou",
    "--source-bucket", OSS_BUCKET, "--dest-bucket", COS_BUCKET, "--name", "web2",
))  # fmt: skip
WAYS: Final = {"to ECS": TO_ECS, "to CVM": TO_CVM}
#: What is said of a migration in whose way nothing stands.
GOOD: Final = frozenset({"identity", "endpoints", "way", "os-mapped", "time", "cost"})

#: Legal readings of the documents, which all mean the same: a row, whose readings are independent of each other.
READINGS: Final[tuple[Mapping[str, Mapping[str, Any]], ...]] = (
    {},
    {"CAM": {"documents": "quoted", "few fields": 1}, "RAM": {"documents": "quoted"},
     "TENCENT_STS": {"few fields": 1}, "ALIBABA_STS": {"few fields": 1},
     "COS": {"namespace": 1, "few fields": 1}, "OSS": {"few fields": 1, "unset": "400"},
     "CVM": {"few fields": 1, "also": ("SnapshotSet", "OsName", "Platform", "Architecture")}},
    {"CAM": {"documents": "quoted plus", "singles": 1, "numbers as text": 1}, "RAM": {"documents": "quoted plus", "singles": 1},
     "TENCENT_STS": {"numbers": 1, "caller": "user"}, "ALIBABA_STS": {"numbers": 1, "caller": "RAMUser"},
     "COS": {"unset": "empty", "part": "bare", "blanks in front": 1, "no declaration": 1},
     "OSS": {"unset": "empty", "part": "digest", "blanks in front": 1, "no declaration": 1},
     "CVM": {"numbers as text": 1, "null sets": 1}, "ECS": {"numbers as text": 1, "extra fields": 1}},
    {"CAM": {"documents": "indented", "other case": 1, "page": 1, "extra fields": 1, "beside": {"Other": 1}},
     "RAM": {"documents": "indented", "policy document": "in the policy", "extra fields": 1},
     "TENCENT_STS": {"caller": "role"}, "ALIBABA_STS": {"caller": "AssumedRoleUser"},
     "COS": {"anyone": 1, "filter": "bare", "namespace": 1, "blanks in front": 1},
     "OSS": {"few fields": 1, "namespace": 1, "part": "digest bad"},
     "CVM": {"charset": 1, "dry run": "error", "page": 1}, "ECS": {"dry run": "DRYRUN.SUCCESS", "page": 1, "usable": 1}},
    {"CAM": {"documents": "quoted whole", "charset": 1, "null lists": 1},
     "RAM": {"documents": "parsed", "policy document": "by the version", "flat lists": 1},
     "TENCENT_STS": {"caller": "federated", "charset": 1}, "ALIBABA_STS": {"caller": "RamUser", "extra fields": 1},
     "COS": {"filter": "and", "no request id": 1}, "OSS": {"few fields": 1, "part": "bare", "no request id": 1},
     "ECS": {"dry run": "answer", "flat lists": 1}},
    {"RAM": {"few fields": 1, "detail": 1, "documents": "quoted whole"}, "CAM": {"singles": 1, "other case": 1},
     "COS": {"elsewhere": "404"}, "OSS": {"elsewhere": "403 named", "anywhere": ("GET location", "GET bucketInfo")},
     "ECS": {"no empty lists": 1}},
)  # fmt: skip


def ready(clouds: Clouds, ways: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Both clouds as they should be: images, roles with their rights, plain buckets."""
    clouds.renew(ways)
    clouds.cvm.own(CVM_IMAGE, "web")
    clouds.ecs.put(ECS_IMAGE, "web")
    clouds.cam.policy("other", cam_grant("cvm:*"))
    clouds.cam.role("CVM_QcsRole", "other", "QcloudCOSDataFullControl")
    clouds.ram.both_roles()
    clouds.ram.role(IMPORT_ROLE, "AliyunECSReadOnlyAccess", "AliyunECSImageImportRolePolicy")


def doctor(cli: Cli, clouds: Clouds, way: Way, *words: str) -> Done:
    """`imgmove doctor`, after which everything is as it was."""
    before = contents(clouds)
    done = cli("doctor", *way.words, *words, "-o", "json")
    assert contents(clouds) == before
    check_only_looked(clouds)
    return done


def contents(clouds: Clouds) -> Any:
    """All that a request could change."""
    return deepcopy([
        clouds.cvm.exports, sorted(clouds.cvm.images), clouds.ecs.tasks, sorted(clouds.ecs.images), clouds.cos.things,
        clouds.cos.uploads, clouds.oss.things, clouds.oss.uploads, granted(clouds),
    ])  # fmt: skip


def granted(clouds: Clouds) -> Any:
    """Roles and policies of both clouds."""
    roles = [{name: (role["trust"], role["attached"]) for name, role in service.roles.items()}
             for service in (clouds.cam, clouds.ram)]  # fmt: skip
    return deepcopy([*roles, clouds.cam.policies, clouds.ram.policies])


def check_only_looked(clouds: Clouds) -> None:
    """Every request only asked: reads, vendors' own dry runs, and a part of an upload that nobody has begun."""
    for name in EVERY:
        for ask in clouds.service(name).asked:
            if name in {"COS", "OSS"}:
                unknown = ask.what == "PUT part" and ask.query["uploadId"] not in clouds.service(name).uploads  # type: ignore[attr-defined]
                assert ask.method in {"GET", "HEAD"} or unknown, ask
            else:
                dry = str(ask.values.get("DryRun", "")).lower() == "true"
                assert ask.what.startswith(("Describe", "Get", "List")) or dry, ask


def findings(done: Done) -> dict[str, str]:
    """What was found, but for what is always said: ids with their worst severities."""
    assert all(item["what"] and item["why"] for item in done.json["findings"] if item["id"] != "endpoints"), done
    assert all(item["fix"] for item in done.json["findings"] if item["severity"] == "block"), done
    worst_last = reversed(done.json["findings"])
    return {item["id"]: item["severity"] for item in worst_last if item["id"] not in GOOD}


def texts(done: Done, finding_id: str) -> str:
    return " | ".join(f"{item['what']} {item['fix']}" for item in done.json["findings"] if item["id"] == finding_id)
