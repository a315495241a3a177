"""The stores' small rules against models and definitions: CRC-64, listings, ranges, preconditions, XML, hosts."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from fastcrc import crc64
from hypothesis import given
from hypothesis import strategies as st

from imgmove.sandbox import crc
from imgmove.sandbox.wire import cos_hosts, oss_hosts
from imgmove.sandbox.wire.http_conditions import (
    UnsatisfiableError,
    byte_range,
    failed_precondition,
    reaches_outside,
)
from imgmove.sandbox.wire.store_xml import Xml, XmlError, document, parse, tag
from imgmove.sandbox.world.listing import cut

# CRC-64


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_combined_values_are_those_of_the_whole(pieces: list[bytes]) -> None:
    assert crc.combine_all([(crc64.xz(piece), len(piece)) for piece in pieces]) == crc64.xz(b"".join(pieces))


def test_combining_does_not_mind_size() -> None:
    chunk = bytes(1 << 20)
    whole = 0
    for _ in range(40):
        whole = crc64.xz(chunk, whole)
    assert crc.combine(crc64.xz(chunk * 8), crc64.xz(chunk * 32), 32 << 20) == whole
    assert crc.combine(crc64.xz(b"123"), crc64.xz(b"456789"), 6) == 11051210869376104954


# Listings

NAMES = st.text(alphabet="ab/", min_size=1, max_size=6)


def _model(names: list[str], prefix: str, delimiter: str) -> list[tuple[str, bool]]:
    """What all pages together have to hold, in order: (name, False) and (common prefix, True)."""
    found: dict[tuple[str, bool], None] = {}
    for name in sorted(names):
        if name.startswith(prefix):
            rest = name[len(prefix) :]
            grouped = delimiter and delimiter in rest
            found[(prefix + rest.split(delimiter)[0] + delimiter, True) if grouped else (name, False)] = None
    return list(found)


@given(
    st.sets(NAMES, max_size=12), st.text(alphabet="ab/", max_size=2), st.sampled_from(["", "/", "b"]), st.integers(1, 5)
)
def test_pages_together_hold_everything_once(names: set[str], prefix: str, delimiter: str, limit: int) -> None:
    ordered, found, after = sorted(names), [], ""
    for _ in range(len(names) + 1):
        page = cut(((n, n) for n in ordered if n > after), prefix, delimiter, after, limit)
        assert len(page.items) + len(page.prefixes) <= limit
        found += sorted([(name, False) for name in page.items] + [(name, True) for name in page.prefixes])
        if not page.truncated:
            break
        after = page.last_name
    assert found == _model(ordered, prefix, delimiter)


# Ranges and preconditions


@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 40))
def test_ranges_are_slices(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    header = f"bytes={first}-{last}"
    if last < first:
        assert byte_range(header, size) is None
        return
    if first >= size:
        with pytest.raises(UnsatisfiableError):
            byte_range(header, size)
    else:
        got = byte_range(header, size)
        assert got is not None
        assert content[got[0] : got[0] + got[1]] == content[first : last + 1]
    assert reaches_outside(header, size) == (last >= size)


@pytest.mark.parametrize("header", ["", "bytes", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "items=1-2", "bytes=1--2"])
def test_what_is_no_range_is_ignored(header: str) -> None:
    assert byte_range(header, 10) is None
    assert not reaches_outside(header, 10)


@pytest.mark.parametrize(
    ("headers", "failed"),
    [
        ({}, None),
        ({"If-Match": "*"}, None),
        ({"If-Match": '"other", "TAG"'}, None),
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": 'W/"tag"'}, 304),
        ({"If-None-Match": "tag"}, 304),
        ({"If-Modified-Since": formatdate(1000, usegmt=True)}, 304),
        ({"If-Modified-Since": formatdate(999, usegmt=True)}, None),
        ({"If-Unmodified-Since": formatdate(999, usegmt=True)}, 412),
        ({"If-Unmodified-Since": formatdate(1000, usegmt=True)}, None),
        ({"If-Modified-Since": "yesterday", "If-Unmodified-Since": "1 day"}, None),
        ({"If-Match": '"tag"', "If-Unmodified-Since": formatdate(1, usegmt=True)}, None),
        ({"If-None-Match": '"other"', "If-Modified-Since": formatdate(2000, usegmt=True)}, None),
        ({"If-Match": '"other"', "If-None-Match": '"tag"'}, 412),
    ],
)
def test_preconditions(headers: dict[str, str], failed: int | None) -> None:
    assert failed_precondition(headers, "", "tag", 1000.7) == failed
    named = {f"x-copy-{name}": value for name, value in headers.items()}
    assert failed_precondition(named, "x-copy-", "tag", 1000.7) == failed


# XML


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip))
def test_text_survives_xml(text: str) -> None:
    assert parse(document(tag("Root", tag("Key", text))), "Root").get("Key") == text


def test_elements() -> None:
    assert tag("A") == "<A/>"
    assert tag("A", 1, tag("B", "<&>")) == "<A>1<B>&lt;&amp;&gt;</B></A>"
    assert isinstance(tag("A"), Xml)
    read = parse(b'<r:Root xmlns:r="urn:x"><Part><N> 1 </N></Part><Part/></r:Root>', "Root")
    assert read.get("Part/N") == "1"
    assert (len(read.all("Part")), read.get("Missing/N", "none")) == (2, "none")


@pytest.mark.parametrize(
    "content", [b"", b"<a>", b"<Other/>", b"\xff", b'<!DOCTYPE Root [<!ENTITY x "y">]><Root>&x;</Root>']
)
def test_documents_that_are_refused(content: bytes) -> None:
    with pytest.raises(XmlError):
        parse(content, "Root")


# Hosts


@pytest.mark.parametrize(
    ("host", "path", "bucket", "key", "region"),
    [
        ("b-1250000000.cos.ap-x.myqcloud.com", "/a/b", "b-1250000000", "a/b", "ap-x"),
        ("B-1250000000.COS.ap-x.myqcloud.com:80", "/", "b-1250000000", "", "ap-x"),
        ("b-1250000000.cos-internal.ap-x.tencentcos.cn", "/%E4%BD%A0", "b-1250000000", "你", "ap-x"),
        ("b-1250000000.cos.accelerate.myqcloud.com", "/a", "b-1250000000", "a", ""),
        ("b-1250000000.localhost:9000", "//a", "b-1250000000", "/a", ""),
        ("service.cos.myqcloud.com", "/", "", "", ""),
        ("cos.ap-x.myqcloud.com", "/", "", "", "ap-x"),
        ("127.0.0.1:9000", "/b-1250000000/a%2Fb", "b-1250000000", "a/b", ""),
        ("[::1]:9000", "/b-1250000000", "b-1250000000", "", ""),
        ("", "/", "", "", ""),
    ],
)
def test_places_of_cos(host: str, path: str, bucket: str, key: str, region: str) -> None:
    place = cos_hosts.place_of(host, path)
    assert (place.bucket, place.key, place.region) == (bucket, key, region)


@pytest.mark.parametrize(
    ("host", "path", "bucket", "key", "region", "public"),
    [
        ("b.oss-cn-hangzhou.aliyuncs.com", "/a/b", "b", "a/b", "cn-hangzhou", True),
        ("b.oss-cn-hangzhou-internal.aliyuncs.com", "/a", "b", "a", "cn-hangzhou", False),
        ("b.oss-ap-southeast-1.aliyuncs.com:80", "/", "b", "", "ap-southeast-1", True),
        ("b.cn-hangzhou.oss.aliyuncs.com", "/a", "b", "a", "cn-hangzhou", True),
        ("oss-cn-hangzhou.aliyuncs.com", "/", "", "", "cn-hangzhou", True),
        ("b.oss-accelerate.aliyuncs.com", "/a", "b", "a", "", False),
        ("b.localhost:9000", "/a", "b", "a", "", True),
        ("127.0.0.1:9000", "/b/a%2Fb", "b", "a/b", "", True),
        ("images.example.com", "/b/a", "b", "a", "", False),
    ],
)
def test_places_of_oss(host: str, path: str, bucket: str, key: str, region: str, public: bool) -> None:
    place = oss_hosts.place_of(host, path)
    assert (place.bucket, place.key, place.region, place.public) == (bucket, key, region, public)
