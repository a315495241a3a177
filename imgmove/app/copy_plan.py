"""Which objects a copy command means, and where each of them goes; checked before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from imgmove.app.copying import CopyRequest, End, Stores, encode_copy, end_of
from imgmove.app.resolve import Resolver
from imgmove.core.address import LocalFile, ObjectAddress, Uri, parse_address
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Step
from imgmove.engine.transfer.bandwidth import parse_bandwidth

COPY_STEP = "copy"


def parse_end(resolver: Resolver, text: str, region: str, profile: str = "") -> tuple[End, bool]:
    """An end of a copy, and whether it is a prefix or a directory; a usage error for an address of something else."""
    parsed = parse_address(text)
    if isinstance(parsed, Uri):
        cloud = resolver.registry.store(parsed.scheme)
        cloud.check_bucket_name(parsed.scheme, parsed.authority)
        address = ObjectAddress(parsed.scheme, parsed.authority, parsed.path)
        return end_of(address, region, profile), address.is_prefix
    # Path.is_dir raises where a path is too long or closed to us: whoever opens it says so better.
    is_directory = text.endswith("/") or os.path.isdir(parsed.path)  # noqa: PTH112
    if is_directory:
        return End("file", str(parsed.path.absolute()), ""), True
    return end_of(LocalFile(parsed.path)), False


def plan_copy(
    source: tuple[End, bool],
    destination: tuple[End, bool],
    stores: Stores,
    *,
    disk_format: DiskFormat | None,
    workers: int,
    part_bytes: int | None,
    bandwidth: str,
) -> list[Step]:
    """A step for each object. Raises NOT_FOUND for a source that is not there, a usage error for ends that make no sense."""
    parse_bandwidth(bandwidth)
    _check_ends(source, destination)
    keys = _source_keys(source, stores)
    name = _namer(source, destination, disk_format)
    steps = []
    for key in keys:
        start, end = source[0], destination[0]
        from_, to = _with_key(start, key), _with_key(end, name(key))
        request = CopyRequest(from_, to, disk_format, workers, part_bytes, bandwidth)
        step_name = COPY_STEP if len(keys) == 1 else f"{COPY_STEP}:{key}"
        steps.append(Step(step_name, COPY_STEP, provider=to.scheme, region=to.region, request=encode_copy(request)))
    return steps


def _with_key(end: End, key: str) -> End:
    return End(end.scheme, end.bucket, key, end.region, end.profile)


def _check_ends(source: tuple[End, bool], destination: tuple[End, bool]) -> None:
    if str(source[0]) == str(destination[0]):
        raise usage_error(f"source and destination are the same: {source[0]}", "name another destination")
    if source[1] and not destination[1]:
        raise usage_error(
            f"{source[0]} is a prefix, {destination[0]} is not",
            "end the destination with a '/' to copy all of it below that",
        )


def _source_keys(source: tuple[End, bool], stores: Stores) -> Sequence[str]:
    end, is_prefix = source
    store = stores(end)
    if not is_prefix:
        if store.head(end.key) is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"there is no object {end}", code="NoSuchKey", hint="check bucket, key and region"
            )
        return [end.key]
    keys = list(dict.fromkeys(info.key for info in store.list(end.key) if not info.key.endswith("/")))
    if not keys:
        raise ImgmoveError(Kind.NOT_FOUND, f"there is nothing below {end}", code="NoSuchKey", hint="check the prefix")
    return keys


def _namer(source: tuple[End, bool], destination: tuple[End, bool], wanted: DiskFormat | None) -> Callable[[str], str]:
    """From a source key to the destination's: below a prefix the rest of the key is kept."""
    base = source[0].key.rpartition("/")[0] + "/" if "/" in source[0].key else ""

    def name(key: str) -> str:
        if not destination[1]:
            return destination[0].key
        return destination[0].key + _renamed(key.removeprefix(base), wanted)

    return name


def _renamed(name: str, wanted: DiskFormat | None) -> str:
    """The file name with the suffix of the format that it gets."""
    if wanted is None:
        return name
    stem = Path(name).name
    for suffix in (".raw.tar.gz", ".tar.gz", ".tgz", ".raw", ".img", ".qcow2", ".vhd", ".vmdk", ".vdi"):
        if stem.endswith(suffix):
            return name.removesuffix(suffix) + f".{wanted.value}"
    return f"{name}.{wanted.value}"
