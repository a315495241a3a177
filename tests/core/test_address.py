"""Addresses: what is one, what is not, and that nothing but a usage error comes out of any text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.address import LocalFile, Uri, parse_address
from imgmove.core.errors import ImgmoveError, Kind


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("tencent://ap-guangzhou/img-1", Uri("tencent", "ap-guangzhou", "img-1")),
        ("tencent://ap-guangzhou", Uri("tencent", "ap-guangzhou", "")),
        ("ecm://", Uri("ecm", "", "")),
        ("COS://bucket-125/a/b.qcow2", Uri("cos", "bucket-125", "a/b.qcow2")),
        ("oss://bucket/a%2Fb c#d?e", Uri("oss", "bucket", "a%2Fb c#d?e")),
        ("disk.raw", LocalFile(Path("disk.raw"))),
        ("/var/lib/disk.raw", LocalFile(Path("/var/lib/disk.raw"))),
        ("file:///var/lib/my%20disk.raw", LocalFile(Path("/var/lib/my disk.raw"))),
        ("C:disk.raw", LocalFile(Path("C:disk.raw"))),
    ],
)
def test_forms(text: str, parsed: Uri | LocalFile) -> None:
    assert parse_address(text) == parsed


@pytest.mark.parametrize(
    "text",
    ["", "  ", "file://elsewhere/x", "file://", "cos://user@bucket/key", "oss://b?x=1/k", "tencent://a\x1b[31m/img-1"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ImgmoveError) as caught:
        parse_address(text)
    assert caught.value.kind is Kind.USAGE
    assert "\x1b" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse_address(text)
    except ImgmoveError as error:
        assert error.kind is Kind.USAGE  # noqa: PT017 - any text may be valid
    else:
        assert isinstance(parsed, Uri | LocalFile)


@given(st.from_regex(r"[a-z]{2,8}://[a-z0-9-]{1,20}/[^\x00-\x1f\x7f]{1,40}", fullmatch=True))
def test_uris_survive_being_written(text: str) -> None:
    parsed = parse_address(text)
    if isinstance(parsed, Uri):
        assert parse_address(str(parsed)) == parsed
