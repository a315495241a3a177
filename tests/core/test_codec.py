"""Records written by one version are read by another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.codec import decode, encode
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Architecture, BootMode, DiskSource, ExportRequest, ImportRequest, Operation
from imgmove.core.tasks import Handle

texts = st.text(max_size=10)
disks = st.builds(DiskSource, texts, texts, st.none() | st.sampled_from(DiskFormat), st.none() | st.integers(1, 99))
imports = st.builds(
    ImportRequest,
    texts,
    st.lists(disks, max_size=3).map(tuple),
    architecture=st.none() | st.sampled_from(Architecture),
    boot_mode=st.none() | st.sampled_from(BootMode),
    tags=st.dictionaries(texts, texts, max_size=3),
    nvme=st.none() | st.booleans(),
)


@given(imports)
def test_requests_survive(request: ImportRequest) -> None:
    assert decode(ImportRequest, encode(request)) == request


def test_fields_of_a_later_version_are_ignored_and_missing_ones_take_their_defaults() -> None:
    value = {"image_ids": ["img-1"], "bucket": "b", "from_the_future": {"x": 1}}
    assert decode(ExportRequest, value) == ExportRequest(("img-1",), "b")


def test_a_missing_necessary_field_is_said() -> None:
    with pytest.raises(ValueError, match="ExportRequest without bucket"):
        decode(ExportRequest, {"image_ids": []})


def test_details_of_a_handle_are_kept_as_they_are() -> None:
    handle = Handle(Operation.EXPORT, "r", "1", details={"paths": ["/a"], "n": {"x": None}})
    assert decode(Handle, encode(handle)) == handle


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        encode({"x": object()})
