"""Parts: within both stores' limits, without gaps or overlaps, and recognised again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import PartInfo, StoreLimits
from imgmove.engine.transfer.plan import MIB, PartPlan, plan_of_parts, plan_parts

COS = StoreLimits(MIB, 5 << 30, 10_000, 50_000 << 30, 5 << 30)
OSS = StoreLimits(100 << 10, 5 << 30, 10_000, 50_000 << 30, 5 << 30)


@given(st.integers(0, 48 << 40), st.sampled_from([COS, OSS]))
def test_a_plan_covers_the_object_within_the_limits(size_bytes: int, limits: StoreLimits) -> None:
    plan = plan_parts(size_bytes, limits)
    assert 1 <= plan.count <= limits.max_parts
    first, last = plan.part(1), plan.part(plan.count)
    assert first.offset == 0
    assert last.offset + last.length == size_bytes
    assert plan.count == 1 or limits.min_part_bytes <= first.length <= limits.max_part_bytes
    assert plan.count == 1 or last.length > 0


@given(st.integers(1, 200 * MIB), st.integers(1, 20))
def test_parts_follow_each_other(size_bytes: int, part_mib: int) -> None:
    plan = PartPlan(size_bytes, part_mib * MIB)
    offset = 0
    for number, part in enumerate(plan.parts(), 1):
        assert (part.number, part.offset) == (number, offset)
        offset += part.length
    assert offset == size_bytes


def test_an_empty_object_is_one_empty_part() -> None:
    assert [part.length for part in plan_parts(0, COS).parts()] == [0]


@pytest.mark.parametrize(("size_bytes", "wanted"), [(1 << 40, 5 * MIB), (10 * MIB, MIB - 1), (1 << 30, 6 << 30)])
def test_a_part_size_that_cannot_be_is_refused(size_bytes: int, wanted: int) -> None:
    with pytest.raises(ImgmoveError) as caught:
        plan_parts(size_bytes, COS, wanted)
    assert caught.value.kind is Kind.USAGE
    assert "--part-size" in caught.value.hint


def test_an_object_that_no_store_takes() -> None:
    with pytest.raises(ImgmoveError) as caught:
        plan_parts(60_000 << 30, COS)
    assert caught.value.kind is Kind.UNSUPPORTED


@given(st.integers(3 * MIB, 300 * MIB), st.integers(1, 40), st.data())
def test_an_upload_tells_its_plan(size_bytes: int, part_mib: int, data: st.DataObject) -> None:
    plan = PartPlan(size_bytes, part_mib * MIB)
    full = [part for part in plan.parts() if part.length == plan.part_bytes]
    if not full:
        return
    chosen = data.draw(st.sets(st.sampled_from(list(plan.parts())), min_size=0)) | {full[0]}
    held = [PartInfo(part.number, part.length, "e") for part in chosen]
    assert plan_of_parts(size_bytes, held, COS) == plan


def test_parts_of_something_else_fit_no_plan() -> None:
    assert plan_of_parts(10 * MIB, [PartInfo(1, 4 * MIB, "e"), PartInfo(2, 3 * MIB, "e")], COS) is None
    assert plan_of_parts(10 * MIB, [PartInfo(4, 4 * MIB, "e")], COS) is None
    assert plan_of_parts(10 * MIB, [], COS) is None
