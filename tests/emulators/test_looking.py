"""`imgmove doctor` at the second emulation: whatever the reading of the documents, the same is found, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.emulators import cam, ram
from tests.emulators.bucket_settings import REFUSED_ELSEWHERE, Rule, SetUp
from tests.emulators.conftest import EVERY, Cli, Clouds
from tests.emulators.looking import (
    COS_BUCKET,
    GOOD,
    OSS_BUCKET,
    READINGS,
    TO_CVM,
    TO_ECS,
    WAYS,
    doctor,
    findings,
    ready,
    texts,
)

pytestmark = pytest.mark.usefixtures("account_services")

Prepare = Callable[[Clouds], None]
#: A role's policy that allows what an export needs, on one resource.
ON_OTHERS: Final = "qcs::cos:ap-guangzhou:uid/1250000000:others-1250000000/*"
ON_OURS: Final = ("qcs::cos:ap-guangzhou:uid/1250000000:stage-1250000000/*", "qcs::cos::uid/1250000000:stage-*",
                  "qcs::cos:*:*:*", "qcs::cos:ap-guangzhou:uid/1250000000:prefix//1250000000/stage/*")  # fmt: skip


@pytest.mark.parametrize("row", range(len(READINGS)))
@pytest.mark.parametrize("way", WAYS)
def test_nothing_stands_in_the_way_in_any_reading(cli: Cli, clouds: Clouds, way: str, row: int) -> None:
    ready(clouds, READINGS[row])
    done = doctor(cli, clouds, WAYS[way])
    assert (done.code, findings(done)) == (0, {}), done
    assert {item["id"] for item in done.json["findings"]} == GOOD
    assert done.json["error"] is None


@pytest.mark.parametrize("manner", ["chunked", "gzip", "close"])
@pytest.mark.parametrize("way", WAYS)
def test_manners_of_http(cli: Cli, clouds: Clouds, way: str, manner: str) -> None:
    ready(clouds)
    for name in EVERY:
        clouds.service(name).manner.add(manner)
    done = doctor(cli, clouds, WAYS[way])
    assert (done.code, findings(done)) == (0, {}), done


# ------------------------------------------------------------------------------------------------------- states


def roles_gone(clouds: Clouds) -> None:
    clouds.cam.roles.clear()
    clouds.ram.roles.clear()


def trust_elsewhere(clouds: Clouds) -> None:
    clouds.cam.role(trusts=cam.trust("cls.cloud.tencent.com"))
    for name in (ram.EXPORT_ROLE, ram.IMPORT_ROLE):
        clouds.ram.role(name, trusts=ram.trust("fc.aliyuncs.com"))


def no_rights(clouds: Clouds) -> None:
    clouds.cam.role(cam.ROLE_OF_CVM, "QcloudCVMReadOnlyAccess")
    for name in (ram.EXPORT_ROLE, ram.IMPORT_ROLE):
        clouds.ram.role(name, "AliyunECSReadOnlyAccess")


def rights_denied(clouds: Clouds) -> None:
    clouds.cam.policy("never", cam.grant("cos:*", effect="deny"))
    clouds.cam.role(cam.ROLE_OF_CVM, "never", "QcloudCOSDataFullControl")
    clouds.ram.policies["Custom", "never"] = ram.grant("oss:*", effect="Deny")
    for name in (ram.EXPORT_ROLE, ram.IMPORT_ROLE):
        clouds.ram.role(name, "never", "AliyunOSSFullAccess")


def rights_on_others(clouds: Clouds) -> None:
    clouds.cam.policy("own", cam.grant("cos:*", resource=ON_OTHERS))
    clouds.cam.role(cam.ROLE_OF_CVM, "own")
    clouds.ram.policies["Custom", "own"] = ram.grant("oss:*", resource="acs:oss:*:*:others/*")
    for name in (ram.EXPORT_ROLE, ram.IMPORT_ROLE):
        clouds.ram.role(name, "own")


def _buckets(**words: Any) -> Prepare:
    def prepare(clouds: Clouds) -> None:
        clouds.cos.set_up[COS_BUCKET] = clouds.oss.set_up[OSS_BUCKET] = SetUp(**words)

    return prepare


def archives(clouds: Clouds) -> None:
    clouds.oss.set_up[OSS_BUCKET] = SetUp(storage_class="ColdArchive")


def buckets_gone(clouds: Clouds) -> None:
    del clouds.cos.buckets[COS_BUCKET], clouds.oss.buckets[OSS_BUCKET]


def buckets_far(clouds: Clouds) -> None:
    clouds.cos.buckets[COS_BUCKET], clouds.oss.buckets[OSS_BUCKET] = "ap-shanghai", "cn-beijing"


def name_taken(clouds: Clouds) -> None:
    clouds.cvm.own("img-web00002", "web2")
    clouds.ecs.put("m-bp67acfmxazb4q", "web2")


def full(clouds: Clouds) -> None:
    clouds.cvm.ways["quota"] = 1


#: State, and what is found on the way to ECS and on the way to CVM.
STATES: Final[tuple[tuple[Prepare, dict[str, str], dict[str, str]], ...]] = (
    (roles_gone, {"role-missing": "block"}, {"role-missing": "block"}),
    (trust_elsewhere, {"role-trust": "block"}, {"role-trust": "block"}),
    (no_rights, {"role-rights": "block"}, {"role-rights": "block"}),
    (rights_denied, {"role-rights": "block"}, {"role-rights": "block"}),
    (rights_on_others, {"role-rights": "block"}, {"role-rights": "block"}),
    (_buckets(encryption="KMS"), {"bucket-encrypted": "block"}, {"bucket-encrypted": "block"}),
    (_buckets(encryption="SM4"), {"bucket-encrypted": "block"}, {"bucket-encrypted": "block"}),
    (_buckets(acl="public-read"), {"bucket-public": "warn"}, {"bucket-public": "warn"}),
    (_buckets(acl="public-read-write"), {"bucket-public": "warn"}, {"bucket-public": "warn"}),
    (_buckets(versioning="Enabled"), {"bucket-versioned": "warn"}, {"bucket-versioned": "warn"}),
    (_buckets(versioning="Suspended", zones=True), {}, {}),
    (_buckets(rules=(Rule(expires=1), Rule("n", "logs/", expires=1))),
     {"bucket-expires-objects": "warn"}, {"bucket-expires-objects": "warn"}),
    (_buckets(rules=(Rule(moves=(2, "ARCHIVE")), Rule(expires=1, on=False))),
     {"bucket-moves-objects": "warn"}, {"bucket-moves-objects": "warn"}),
    (_buckets(rules=(Rule(gives_up=1),)), {"bucket-aborts-uploads": "warn"}, {"bucket-aborts-uploads": "warn"}),
    (_buckets(rules=(Rule(expires=90, gives_up=30, moves=(60, "STANDARD_IA")),)), {}, {}),
    (archives, {"bucket-archives": "block"}, {"bucket-archives": "block"}),
    (buckets_gone, {"bucket-missing": "block"}, {"bucket-missing": "block"}),
    (buckets_far, {"bucket-in-another-region": "block"}, {"bucket-in-another-region": "block"}),
    (name_taken, {"name-taken": "block"}, {"name-taken": "block"}),
    (full, {}, {"quota-full": "block"}),
)  # fmt: skip


@pytest.mark.parametrize("row", [1, 2, 3])
@pytest.mark.parametrize("state", range(len(STATES)))
def test_what_is_wrong_is_found_in_any_reading(cli: Cli, clouds: Clouds, state: int, row: int) -> None:
    prepare, to_ecs, to_cvm = STATES[state]
    way, expected = (TO_ECS, to_ecs) if (state + row) % 2 else (TO_CVM, to_cvm)
    ready(clouds, READINGS[row])
    prepare(clouds)
    done = doctor(cli, clouds, way)
    assert findings(done) == expected, done
    assert (done.code == 0) == ("block" not in expected.values())


@pytest.mark.parametrize("resource", ON_OURS)
def test_a_right_on_our_bucket_is_enough(cli: Cli, clouds: Clouds, resource: str) -> None:
    ready(clouds, {"CAM": {"documents": "quoted"}})
    clouds.cam.policy("own", cam.grant("name/cos:*", resource=resource))
    clouds.cam.role(cam.ROLE_OF_CVM, "own", trusts=cam.trust("CVM.cloud.tencent.com", action="sts:AssumeRole"))
    assert findings(doctor(cli, clouds, TO_ECS)) == {}


def test_whose_a_bucket_is(cli: Cli, clouds: Clouds) -> None:
    """COS's name says it by the APPID, OSS's information by its owner."""
    ready(clouds, {"CAM": {"app id": 1260000000}})
    assert findings(doctor(cli, clouds, TO_ECS)) == {"bucket-of-another-account": "warn"}
    ready(clouds)
    clouds.oss.set_up[OSS_BUCKET] = SetUp(owner="7")
    assert findings(doctor(cli, clouds, TO_ECS)) == {"bucket-of-another-account": "warn"}


@pytest.mark.parametrize("anywhere", [(), ("GET location", "GET bucketInfo")], ids=["nowhere else", "anywhere"])
@pytest.mark.parametrize(("way", "refused"), [
    *((way, form) for way, mark in (("to ECS", "x-cos-"), ("to CVM", "x-oss-")) for form in REFUSED_ELSEWHERE[mark]),
])  # fmt: skip
def test_a_bucket_of_another_region_is_told_from_a_missing_right(
    cli: Cli, clouds: Clouds, way: str, refused: str, anywhere: tuple[str, ...]
) -> None:
    """However it is refused where it is not: it is found where it is."""
    ready(clouds, {name: {"elsewhere": refused, "anywhere": anywhere} for name in ("COS", "OSS")
                   if refused in REFUSED_ELSEWHERE[f"x-{name.lower()}-"]})  # fmt: skip
    if way == "to ECS":
        clouds.cos.buckets[COS_BUCKET] = "ap-shanghai"
    else:
        clouds.oss.buckets[OSS_BUCKET] = "ap-southeast-1"
    done = doctor(cli, clouds, WAYS[way])
    assert findings(done) == {"bucket-in-another-region": "block"}, done
    assert {"to ECS": "ap-shanghai", "to CVM": "ap-southeast-1"}[way] in texts(done, "bucket-in-another-region")
