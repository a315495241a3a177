"""Envelopes: refusals in all their forms, pages of lists, tokens, regions, several things at once."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.emulators.conftest import CREDENTIALS, Cli, Clouds
from tests.emulators.test_imports import GZ, HZ
from tests.emulators.wire import SPOILT, Say, say_json

ECS_IMAGE = "m-bp67acfmxazb4p"


def spoil_with(monkeypatch: pytest.MonkeyPatch, name: str, answer: Say) -> str:
    monkeypatch.setitem(SPOILT, name, lambda: answer)
    return name


def _refusal(code: Any, message: Any = "no") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "RequestId": "r"}


#: What stands in `Response`, the HTTP status, the exit code (0: 1 or 4) and the code that is reported.
TENCENT_REFUSALS: Final[dict[str, tuple[Any, int, int, str]]] = {
    "as documented": (_refusal("InvalidImageId.NotFound"), 200, 4, "InvalidImageId.NotFound"),
    "with a status": (_refusal("UnauthorizedOperation"), 403, 3, "UnauthorizedOperation"),
    "without a message": (_refusal("LimitExceeded", None), 200, 5, "LimitExceeded"),
    "without a request id": ({"Error": {"Code": "InvalidParameter", "Message": "no"}}, 200, 4, "InvalidParameter"),
    "beside data": (_refusal("InvalidParameter") | {"TaskId": 1}, 200, 4, "InvalidParameter"),
    "without a code": (_refusal(None), 200, 1, "NotTheService"),
    "a number as code": (_refusal(4000), 200, 0, "4000"),
    "a text as error": ({"Error": "no", "RequestId": "r"}, 200, 1, "NotTheService"),
    "a list as error": ({"Error": ["no"], "RequestId": "r"}, 200, 1, "NotTheService"),
}


@pytest.mark.parametrize("form", TENCENT_REFUSALS)
def test_refusals_of_tencent(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    response, status, exit_code, code = TENCENT_REFUSALS[form]
    clouds.cvm.own()
    clouds.cvm.spoil("ExportImages", spoil_with(monkeypatch, "form", say_json({"Response": response}, status)), 99)
    done = cli("export", "img-web00001", *GZ, "--bucket", "stage-1250000000", "--dry-run", "-o", "json")
    assert done.error["code"] == code, done
    assert done.code == exit_code or (exit_code == 0 and done.code in {1, 4}), done
    assert done.error["message"]


ALIBABA: Final = {
    "RequestId": "R",
    "HostId": "ecs.aliyuncs.com",
    "Code": "Forbidden.RAM",
    "Message": "no",
    "Recommend": "",
}
ALIBABA_XML: Final = b"<Error><RequestId>R</RequestId><Code>Forbidden.RAM</Code><Message>no</Message></Error>"
ALIBABA_REFUSALS: Final[dict[str, tuple[Say, int, str]]] = {
    "as documented": (say_json(ALIBABA, 403), 3, "Forbidden.RAM"),
    "404 for 403": (say_json({**ALIBABA, "Code": "ImageId.NotFound"}, 403), 4, "ImageId.NotFound"),
    "500": (say_json({**ALIBABA, "Code": "InternalError"}, 500), 1, "InternalError"),
    "503": (say_json({**ALIBABA, "Code": "ServiceUnavailable"}, 503), 1, "ServiceUnavailable"),
    "429": (say_json({**ALIBABA, "Code": "Throttling.Api"}, 429), 5, "Throttling.Api"),
    "inside a 200": (say_json(ALIBABA, 200), 3, "Forbidden.RAM"),
    "code alone": (say_json({"Code": "Forbidden.RAM"}, 403), 3, "Forbidden.RAM"),
    "no code": (say_json({"Message": "no"}, 400), 1, "NotTheService"),
    "null code": (say_json({"Code": None, "Message": "no", "RequestId": "R"}, 400), 1, "NotTheService"),
    "missing action": (say_json({**ALIBABA, "AccessDeniedDetail": {"AuthAction": "ecs:ExportImage"}}, 403), 3, "Forbidden.RAM"),
    "odd detail": (say_json({**ALIBABA, "AccessDeniedDetail": "no"}, 403), 3, "Forbidden.RAM"),
    "XML": (Say(403, b"<?xml version='1.0'?>" + ALIBABA_XML, {"Content-Type": "text/xml"}), 3, "Forbidden.RAM"),
    "charset": (say_json(ALIBABA, 403, "application/json;charset=utf-8"), 3, "Forbidden.RAM"),
}  # fmt: skip


@pytest.mark.parametrize("form", ALIBABA_REFUSALS)
def test_refusals_of_alibaba(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    answer, exit_code, code = ALIBABA_REFUSALS[form]
    clouds.ecs.put(ECS_IMAGE, "web")
    clouds.ecs.spoil("ExportImage", spoil_with(monkeypatch, "form", answer), 99)
    done = cli("export", ECS_IMAGE, *HZ, "--bucket", "stage", "--dry-run", "-o", "json")
    assert (done.code, done.error["code"]) == (exit_code, code), done
    if form == "missing action":
        assert "ecs:ExportImage" in done.error["hint"]


# ------------------------------------------------------------------------------------------------------------ lists


@pytest.mark.parametrize("page", [1, 2, 7, 100])
@pytest.mark.parametrize("ways", [{}, {"numbers as text": 1}, {"few fields": 1}], ids=str)
def test_pages_of_images(cli: Cli, clouds: Clouds, page: int, ways: dict[str, Any]) -> None:
    clouds.renew({"CVM": {"page": page, **ways}, "ECM": {"page": page, **ways}, "ECS": {"page": page, **ways}})
    names = [f"web {number}" for number in range(7)]
    for number, name in enumerate(names):
        clouds.cvm.own(f"img-web0000{number}", name)
        clouds.ecm.own(f"img-edge000{number}", name)
        clouds.ecs.put(f"m-bp{number}", name, "Creating" if number % 2 else "Available")
    for words in (GZ, ("--provider", "ecm"), HZ):
        done = cli("images", *words, "-o", "json")
        assert [row["name"] for row in done.json["images"]] == names, done
        assert all(row["uri"] and row["id"] and row["state"] for row in done.json["images"])


@pytest.mark.parametrize("ways", [{}, {"null sets": 1, "no empty lists": 1}], ids=str)
def test_no_images(cli: Cli, clouds: Clouds, ways: dict[str, Any]) -> None:
    clouds.renew({"CVM": ways, "ECM": ways, "ECS": ways})
    for words in (GZ, ("--provider", "ecm"), HZ):
        assert cli("images", *words, "-o", "json").json == {"images": [], "error": None}
        assert cli("images", *words).code == 0


@pytest.mark.parametrize("total", [None, 0, "many", -1, 10**9])
def test_totals_that_are_wrong(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, total: Any) -> None:
    """A list that says a wrong number is read all the same, and read to an end."""
    image = {"ImageId": "img-1", "ImageName": "web", "ImageState": "NORMAL"}
    cvm = say_json({"Response": {"TotalCount": total, "ImageSet": [image], "RequestId": "r"}})
    clouds.cvm.spoil("DescribeImages", spoil_with(monkeypatch, "cvm", cvm), 5)
    listed = {"Image": [{"ImageId": "m-1", "ImageName": "web", "Status": "Available"}]}
    ecs = say_json({"TotalCount": total, "Images": listed, "RequestId": "R"})
    clouds.ecs.spoil("DescribeImages", spoil_with(monkeypatch, "ecs", ecs), 5)
    assert [row["id"] for row in cli("images", *GZ, "-o", "json").json["images"]] == ["img-1"]
    assert [row["id"] for row in cli("images", *HZ, "-o", "json").json["images"]] == ["m-1"]
    assert clouds.cvm.count("DescribeImages") <= 3
    assert clouds.ecs.count("DescribeImages") <= 3


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        "img-1",
        [],
        {},
        {"ImageId": None},
        {"ImageId": "img-1", "ImageSize": "a lot", "SnapshotSet": "none", "Tags": {}},
    ],
    ids=str,
)
def test_entries_that_are_none(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch, item: Any) -> None:
    good = {"ImageId": "img-2", "ImageName": "web", "ImageState": "NORMAL"}
    cvm = say_json({"Response": {"TotalCount": 2, "ImageSet": [item, good], "RequestId": "r"}})
    clouds.cvm.spoil("DescribeImages", spoil_with(monkeypatch, "cvm", cvm), 5)
    ecs = say_json({"TotalCount": 2, "Images": {"Image": [item, good]}, "RequestId": "R"})
    clouds.ecs.spoil("DescribeImages", spoil_with(monkeypatch, "ecs", ecs), 5)
    for words in (GZ, HZ):
        done = cli("images", *words, "-o", "json")
        assert done.code == 0, done
        assert "img-2" in [row["id"] for row in done.json["images"]]


@pytest.mark.parametrize(
    "name", ["\x1b[31mred\x1b[0m", "[bold red]web[/]", "a\u202eb", "web\r\nerror: no", "图 web", ""]
)
def test_names_are_data(cli: Cli, clouds: Clouds, name: str) -> None:
    clouds.cvm.own("img-1", name)
    clouds.ecm.own("img-2", name)
    clouds.ecs.put("m-1", name)
    for words in (GZ, ("--provider", "ecm"), HZ):
        table = cli("images", *words)
        assert not {"\x1b", "\u202e", "\r"} & set(table.out)
        assert "\nerror: no" not in table.out
        assert [row["name"] for row in cli("images", *words, "-o", "json").json["images"]] == [name]


# ------------------------------------------------------------------------------------------- keys, regions, several


def test_temporary_keys_go_along(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_TOKEN", "a-tencent-token")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "an-alibaba-token")
    clouds.cvm.own()
    clouds.ecs.put(ECS_IMAGE, "web")
    done = [cli("export", "img-web00001", *GZ, "--bucket", "stage-1250000000", "-o", "json"),
            cli("export", ECS_IMAGE, *HZ, "--bucket", "stage", "-o", "json")]  # fmt: skip
    assert [item.code for item in done] == [0, 0], done
    assert {ask.headers.get("x-tc-token") for ask in clouds.cvm.asked} == {"a-tencent-token"}
    assert {ask.headers.get("x-cos-security-token") for ask in clouds.cos.asked} == {"a-tencent-token"}
    assert {ask.headers.get("x-acs-security-token") for ask in clouds.ecs.asked} == {"an-alibaba-token"}
    assert {ask.headers.get("x-oss-security-token") for ask in clouds.oss.asked} == {"an-alibaba-token"}
    assert not any("-token" in item.out + item.err for item in done)


def test_without_keys_nothing_is_asked(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    for words in (GZ, ("--provider", "ecm"), HZ):
        done = cli("images", *words, "-o", "json")
        assert done.code == 3, done
    assert not clouds.cvm.asked + clouds.ecm.asked + clouds.ecs.asked


def test_regions_come_from_where_they_are_said(cli: Cli, clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_REGION", "ap-tokyo")
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "ap-northeast-1")
    assert cli("images", "--provider", "tencent").code == 0
    assert clouds.cvm.last("DescribeImages").headers["x-tc-region"] == "ap-tokyo"
    assert cli("images", "--provider", "tencent", "--region", "ap-seoul").code == 0
    assert clouds.cvm.last("DescribeImages").headers["x-tc-region"] == "ap-seoul"
    assert cli("images", "--provider", "aliyun").code == 0
    assert clouds.ecs.last("DescribeImages").values["RegionId"] == "ap-northeast-1"


def test_several_ecs_images_one_after_the_other(cli: Cli, clouds: Clouds) -> None:
    first, second = clouds.ecs.put("m-bpone", "one"), clouds.ecs.put("m-bptwo", "two")
    done = cli("export", first, "m-bpnothere", second, *HZ, "--bucket", "stage", "-o", "json")
    assert (done.code, clouds.ecs.count("ExportImage")) == (8, 3), done
    assert [(row["state"], (row["error"] or {}).get("code")) for row in done.json["items"]] == [
        ("succeeded", None), ("failed", "InvalidImageId.NotFound"), ("succeeded", None)
    ]  # fmt: skip
    assert len(done.json["artifacts"]) == 2


def test_several_cvm_images_in_one_call(cli: Cli, clouds: Clouds) -> None:
    ids = [clouds.cvm.own(f"img-web0000{number}", f"web {number}") for number in range(3)]
    done = cli("export", *ids, *GZ, "--bucket", "stage-1250000000", "-o", "json")
    assert (done.code, len(done.json["artifacts"])) == (0, 3), done
    assert clouds.cvm.last("ExportImages").values["ImageIds"] == ids
    assert len(set(clouds.cvm.last("ExportImages").values["FileNamePrefixList"])) >= 1
    assert clouds.cvm.count("ExportImages") == 1
    refused = cli("export", "img-web00009", ids[0], *GZ, "--bucket", "stage-1250000000", "-o", "json")
    assert (refused.code, refused.error["code"]) == (4, "InvalidImageId.NotFound"), refused


def test_hosts_that_are_names_take_the_bucket_in_front(cli: Cli, clouds: Clouds) -> None:
    """Loopback is reached at its address, whatever the bucket: no name is ever resolved."""
    clouds.cos.write("stage-1250000000/a.raw", b"x")
    clouds.oss.write("stage/a.raw", b"x")
    assert cli("copy", "cos://stage-1250000000/a.raw", "oss://stage/b.raw").code == 0
    assert {ask.headers["host"] for ask in clouds.cos.asked} == {"stage-1250000000.cos.ap-guangzhou.myqcloud.com"}
    assert all(ask.path.startswith("/stage") for ask in clouds.oss.asked)


@pytest.mark.parametrize(
    ("words", "provider", "region"),
    [
        (("status", "img-nothere1", "--provider", "cvm", "--region", "ap-tokyo"), "tencent", "ap-tokyo"),
        (("status", "img-nothere1", "--provider=tencent", "--region=ap-tokyo"), "tencent", "ap-tokyo"),
        (("status", "tencent://ap-tokyo/img-nothere1"), "tencent", "ap-tokyo"),
        (("status", "ecm:///img-nothere1"), "ecm", ""),
        (("export", "alibaba://cn-hangzhou/m-nothere", "--bucket", "stage", "--dry-run"), "alibaba", "cn-hangzhou"),
        (("export", "m-nothere", *HZ, "--bucket", "oss://x/y"), "alibaba", "cn-hangzhou"),
        (("export", "m-nothere", "--provider", "aws", "--region", "eu-west-1", "--bucket", "b"), "", "eu-west-1"),
    ],
    ids=str,
)
def test_failures_say_where(cli: Cli, clouds: Clouds, words: tuple[str, ...], provider: str, region: str) -> None:
    """Also where it failed before there was a job."""
    done = cli(*words, "-o", "json")
    assert (done.json["provider"], done.json["region"], done.json["state"]) == (provider, region, "failed"), done
