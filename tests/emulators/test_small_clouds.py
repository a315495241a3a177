"""Emulations that know no more than the calls which an operation is documented to need, and keys that may no more."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.emulators.conftest import Cli, Clouds
from tests.emulators.test_bad_answers import SUBMITS

#: What has to be there for each operation (tencent.md 1, alibaba.md 1).
NEEDED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "cvm export": {"CVM": ("ExportImages", "DescribeImages"), "COS": ("HEAD object",)},
    "cvm import": {"CVM": ("ImportImage", "DescribeImages"), "COS": ("HEAD object", "GET object")},
    "cvm create": {"CVM": ("CreateImage", "DescribeImages")},
    "ecm create": {"ECM": ("CreateImage", "DescribeTaskStatus", "DescribeImage")},
    "ecm import": {"ECM": ("ImportCustomImage", "DescribeCustomImageTask", "DescribeImage"),
                   "COS": ("HEAD object", "GET object", "GET location")},
    "ecm fetch": {"ECM": ("ImportImage", "DescribeImage")},
    "ecs export": {"ECS": ("ExportImage", "DescribeTaskAttribute"), "OSS": ("HEAD object",)},
    "ecs import": {"ECS": ("ImportImage", "DescribeImages"), "OSS": ("HEAD object", "GET object")},
    "ecs create": {"ECS": ("CreateImage", "DescribeImages")},
}  # fmt: skip


@pytest.mark.parametrize("operation", NEEDED)
def test_no_more_is_needed(cli: Cli, clouds: Clouds, operation: str) -> None:
    run, service, call = SUBMITS[operation]
    clouds.renew({name: {"only": calls} for name, calls in NEEDED[operation].items()})
    done = run(cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert clouds.service(service).count(call) == 1
    if operation == "ecs export":
        assert len(done.json["artifacts"]) == 1
        assert done.json["artifacts"][0]["format"] == "raw.tar.gz"


def test_an_export_whose_disks_cannot_be_counted_says_so(cli: Cli, clouds: Clouds) -> None:
    clouds.renew({"ECS": {"only": NEEDED["ecs export"]["ECS"], "related": "missing"}})
    done = SUBMITS["ecs export"][0](cli, clouds)
    assert (done.code, done.json["state"]) == (0, "succeeded"), done
    assert "more disks" in done.json["message"]


@pytest.mark.parametrize("way", ["the whole for a range", "another image's name"])
def test_answers_after_the_letter_of_the_samples(cli: Cli, clouds: Clouds, way: str) -> None:
    """A small object whole instead of its range; and CVM's own sample, whose path names another image than was asked."""
    ways: dict[str, Any] = (
        {"COS": {"no ranges": 1}, "OSS": {"no ranges": 1}} if "range" in way else {"CVM": {"named": "img-pq5pau1w"}}
    )
    clouds.renew(ways)
    for operation in ("cvm import", "ecs import") if "range" in way else ("cvm export",):
        done = SUBMITS[operation][0](cli, clouds)
        assert (done.code, done.json["state"]) == (0, "succeeded"), done
