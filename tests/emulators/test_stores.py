"""COS and OSS in every legal reading: lists, pages, quoting, checksums, multipart uploads, regions, refusals."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final

import pytest

from tests.emulators.conftest import Cli, Clouds, Done

MIB: Final = 1 << 20
BODY: Final = random.Random(1).randbytes(3 * MIB + 77)
COS, OSS = "cos://stage-1250000000", "oss://stage"
STORES: Final = {"COS": COS, "OSS": OSS}
#: Keys that are easily mangled on the way through URLs, lists and XML.
KEYS: Final = (
    "in/plain.raw",
    "in/two words.raw",
    "in/plus+and%25.raw",
    "in/ünï-图.raw",
    "in/a&b<c>.raw",
    "in/deep/er/x.raw",
)
WAYS: Final[list[dict[str, Any]]] = [
    {},
    {"namespace": 1},
    {"no declaration": 1},
    {"namespace": 1, "no declaration": 1},
    {"keys as they are": 1},
    {"quotes slashes": 1},
    {"encoding with a dash": 1},
    {"page": 1},
    {"page": 2},
    {"page": 1, "first lists": 1},
    {"page": 2, "first lists": 1, "no markers": 1},
    {"etag": "upper"},
    {"etag": "lower"},
    {"etag": "upper bare"},
    {"etag": "lower bare"},
    {"no crc": 1},
    {"no request id": 1},
    {"blanks": 1},
    {"bare heads": 1},
    {"few fields": 1},
    {"absent is an error": 1},
    {"closed uploads": 1},
]


def bucket_of(clouds: Clouds, store: str) -> Any:
    return clouds.cos if store == "COS" else clouds.oss


def name_of(store: str) -> str:
    return STORES[store].partition("://")[2]


def copy(cli: Cli, source: object, destination: object, *words: str) -> Done:
    return cli("copy", source, destination, "--part-size", "1MiB", *words, "-o", "json")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(BODY)
    return path


@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("store", STORES)
def test_up_across_and_down(cli: Cli, clouds: Clouds, disk: Path, store: str, ways: dict[str, Any]) -> None:
    clouds.renew({store: ways})
    other = "OSS" if store == "COS" else "COS"
    up = copy(cli, disk, f"{STORES[store]}/dir/disk one.raw")
    assert up.code == 0, up
    assert bucket_of(clouds, store).things[f"{name_of(store)}/dir/disk one.raw"].body == BODY
    across = copy(cli, f"{STORES[store]}/dir/disk one.raw", f"{STORES[other]}/across.raw")
    assert across.code == 0, across
    assert bucket_of(clouds, other).things[f"{name_of(other)}/across.raw"].body == BODY
    back = copy(cli, f"{STORES[other]}/across.raw", f"{STORES[store]}/back.raw")
    assert back.code == 0, back
    assert (back.json["artifacts"][0]["crc64"] is None) == ("no crc" in ways)
    down = copy(cli, f"{STORES[store]}/back.raw", disk.parent / "again.raw")
    assert (down.code, (disk.parent / "again.raw").read_bytes() == BODY) == (0, True), down
    assert not clouds.cos.uploads
    assert not clouds.oss.uploads


@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("store", STORES)
def test_everything_below_a_prefix(cli: Cli, clouds: Clouds, tmp_path: Path, store: str, ways: dict[str, Any]) -> None:
    if store == "OSS" and "encoding with a dash" in ways:
        return  # that is COS's spelling
    clouds.renew({store: ways})
    keys = [key for key in KEYS if "keys as they are" not in ways or "%" not in key]
    for number, key in enumerate(keys):
        bucket_of(clouds, store).write(f"{name_of(store)}/{key}", b"%d" % number * 40)
    bucket_of(clouds, store).write(f"{name_of(store)}/other.raw", b"no")
    done = copy(cli, f"{STORES[store]}/in/", f"{tmp_path}/out/")
    assert done.code == 0, done
    found = {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in (tmp_path / "out").rglob("*.raw")}
    assert found == {key.removeprefix("in/"): b"%d" % number * 40 for number, key in enumerate(keys)}


@pytest.mark.parametrize("store", STORES)
def test_completing_that_fails_inside_a_200_is_done_again(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    clouds.renew({store: {"complete fails": 1, "blanks": 1}})
    done = copy(cli, disk, f"{STORES[store]}/disk.raw")
    assert done.code == 0, done
    assert bucket_of(clouds, store).things[f"{name_of(store)}/disk.raw"].body == BODY


@pytest.mark.parametrize("store", STORES)
def test_completing_that_never_works(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    clouds.renew({store: {"complete fails": 1000, "blanks": 1}})
    done = copy(cli, disk, f"{STORES[store]}/disk.raw")
    assert (done.code, done.error["code"], done.error["request_id"]) == (1, "InternalError", "q-200"), done
    clouds.service(store).ways["complete fails"] = 0  # type: ignore[attr-defined]  # a store has ways
    again = cli("jobs", "resume", done.json["job"], "-o", "json")
    assert (again.code, again.json["state"]) == (0, "succeeded"), again
    assert bucket_of(clouds, store).count("PUT part") == 4, "parts were sent twice"


@pytest.mark.parametrize("how", ["close", "half", "html502", "empty", "long"])
@pytest.mark.parametrize(
    "what", ["PUT part", "POST uploads", "POST uploadId", "HEAD object", "GET object", "GET uploads"]
)
@pytest.mark.parametrize("store", STORES)
def test_one_answer_that_is_lost(cli: Cli, clouds: Clouds, disk: Path, store: str, what: str, how: str) -> None:
    """It works in the end, at once or by resuming: no byte is wrong, and no upload is left over."""
    other = "OSS" if store == "COS" else "COS"
    bucket_of(clouds, store).write(f"{name_of(store)}/from.raw", BODY)
    clouds.service(store).spoil(what, how)
    for source, destination in (
        (f"{STORES[store]}/from.raw", f"{STORES[other]}/to.raw"),
        (disk, f"{STORES[store]}/up.raw"),
    ):
        done = copy(cli, source, destination)
        if done.code != 0:
            assert done.code == 1, done
            if done.json["job"] is not None:
                done = cli("jobs", "resume", done.json["job"], "-o", "json")
            else:
                done = copy(cli, source, destination)
        assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert bucket_of(clouds, other).things[f"{name_of(other)}/to.raw"].body == BODY
    assert bucket_of(clouds, store).things[f"{name_of(store)}/up.raw"].body == BODY


@pytest.mark.parametrize("manner", ["chunked", "close", "slow"])
@pytest.mark.parametrize("store", STORES)
def test_manners_of_http(cli: Cli, clouds: Clouds, disk: Path, store: str, manner: str) -> None:
    clouds.service(store).manner.add(manner)
    assert copy(cli, disk, f"{STORES[store]}/disk.raw").code == 0
    down = copy(cli, f"{STORES[store]}/disk.raw", disk.parent / "again.raw")
    assert (down.code, (disk.parent / "again.raw").read_bytes() == BODY) == (0, True), down


REFUSALS: Final = [
    (403, "AccessDenied", 3),
    (403, "InvalidAccessKeyId", 3),
    (403, "SignatureDoesNotMatch", 3),
    (403, "RequestTimeTooSkewed", 3),
    (404, "NoSuchBucket", 4),
    (404, "NoSuchKey", 4),
]


@pytest.mark.parametrize("ways", [{}, {"bare heads": 1}], ids=str)
@pytest.mark.parametrize(("status", "code", "exit_code"), REFUSALS)
@pytest.mark.parametrize("store", STORES)
def test_refused_heads(
    cli: Cli, clouds: Clouds, store: str, status: int, code: str, exit_code: int, ways: dict[str, Any], tmp_path: Path
) -> None:
    """COS says nothing but the status to HEAD, OSS more in a header, or not."""
    clouds.renew({store: ways})
    bucket_of(clouds, store).refusals["HEAD object"] = [(status, code)] * 9
    bucket_of(clouds, store).write(f"{name_of(store)}/a.raw", b"x")
    done = copy(cli, f"{STORES[store]}/a.raw", tmp_path / "a.raw")
    assert done.code == exit_code, done
    assert not (tmp_path / "a.raw").exists()


@pytest.mark.parametrize(("status", "code", "exit_code"), REFUSALS[:4])
@pytest.mark.parametrize("what", ["POST uploads", "PUT part", "POST uploadId"])
@pytest.mark.parametrize("store", STORES)
def test_refused_uploads(
    cli: Cli, clouds: Clouds, disk: Path, store: str, what: str, status: int, code: str, exit_code: int
) -> None:
    bucket_of(clouds, store).refusals[what] = [(status, code)] * 50
    done = copy(cli, disk, f"{STORES[store]}/disk.raw")
    assert (done.code, done.error["code"]) == (exit_code, code), done
    assert done.error["request_id"], done
    assert not bucket_of(clouds, store).things


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("store", STORES)
def test_redirects_without_a_place(cli: Cli, clouds: Clouds, tmp_path: Path, store: str, status: int) -> None:
    bucket_of(clouds, store).refusals["HEAD object"] = [(status, "PermanentRedirect")] * 9
    done = copy(cli, f"{STORES[store]}/a.raw", tmp_path / "a.raw", "--source-region", "eu-frankfurt")
    assert done.code in {1, 4}, done
    assert not (tmp_path / "a.raw").exists()


@pytest.mark.parametrize("store", STORES)
def test_the_region_of_a_bucket_is_asked_of_the_store(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    far = "cos://far-1250000000" if store == "COS" else "oss://far"
    assert copy(cli, disk, f"{far}/x.raw").code == 0
    asked = clouds.service(store).last("PUT part")
    if store == "COS":
        assert asked.headers["host"] == "far-1250000000.cos.ap-shanghai.myqcloud.com"
    else:
        assert "/ap-southeast-1/oss/" in asked.query["x-oss-credential"]


@pytest.mark.parametrize("store", STORES)
def test_a_region_that_is_not_told_but_listed(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    clouds.renew({store: {"closed": 1}})
    assert copy(cli, disk, f"{STORES[store]}/x.raw").code == 0
    assert clouds.service(store).count("GET service") == 1


@pytest.mark.parametrize("store", STORES)
def test_a_region_that_nobody_tells(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    clouds.renew({store: {"closed": 1, "closed list": 1}})
    done = copy(cli, disk, f"{STORES[store]}/x.raw")
    assert done.code == 3, done
    assert "--region" in done.error["hint"] or "region" in done.error["hint"], done
    region = "ap-guangzhou" if store == "COS" else "cn-hangzhou"
    assert copy(cli, disk, f"{STORES[store]}/x.raw", "--dest-region", region).code == 0


@pytest.mark.parametrize("store", STORES)
def test_no_such_bucket(cli: Cli, clouds: Clouds, disk: Path, store: str) -> None:
    for bucket in ("nothere-1250000000",):
        scheme = store.lower()
        done = copy(cli, disk, f"{scheme}://{bucket}/x.raw")
        assert (done.code, done.error["code"]) == (4, "NoSuchBucket"), done


@pytest.mark.parametrize("store", STORES)
def test_the_same_copy_again_sends_nothing(cli: Cli, clouds: Clouds, store: str) -> None:
    other = "OSS" if store == "COS" else "COS"
    bucket_of(clouds, store).write(f"{name_of(store)}/from.raw", BODY)
    assert copy(cli, f"{STORES[store]}/from.raw", f"{STORES[other]}/to.raw").code == 0
    sent = clouds.service(other).count("PUT part")
    assert copy(cli, f"{STORES[store]}/from.raw", f"{STORES[other]}/to.raw").code == 0
    assert clouds.service(other).count("PUT part") == sent
