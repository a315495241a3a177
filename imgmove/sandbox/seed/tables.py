"""The tables of a seed: what may be said about images, buckets, objects, roles and keys, with types and words checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from imgmove.sandbox.seed.errors import SeedError

Provider = Literal["tencent", "alibaba"]
ImageKind = Literal["custom", "public", "shared", "market", "from-market"]


Days = Annotated[int, msgspec.Meta(ge=1, le=36500)]
Gib = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
MAX_ZEROS = 256 << 20


class Table(msgspec.Struct, kw_only=True):
    """One table. What is left out takes its default or, of something that is there already, stays as it is."""


class ImageTable(Table):
    """`[[image]]`. With the id of an image that there is, it changes that; otherwise it makes one of `file`, or of the
    default world's disk."""

    provider: Provider | None = None
    name: str = ""
    id: str = ""
    file: str = ""
    service: Literal["cvm", "ecm"] | None = None
    """Tencent: whose image it is; CVM's by default."""
    region: str = ""
    platform: str | None = None
    os_name: str | None = None
    state: str | None = None
    """In the vendor's word: `EXPORTING`, `CREATEFAILED`, `UnAvailable`."""
    kind: ImageKind | None = None
    encrypted: bool | None = None
    size_gib: Gib | None = None
    """What the API shows as the system disk's size; the bytes are the disk's own."""
    data_disks_gib: Annotated[list[Gib], msgspec.Meta(max_length=32)] | None = None
    architecture: str | None = None
    """In the vendor's word."""
    boot_mode: str | None = None
    license_type: str | None = None
    cloud_init: bool | None = None
    tags: dict[str, str] | None = None
    snapshot_gone: bool = False
    """Tencent: the snapshot behind the image is deleted, as an owner can do."""
    absent: bool = False
    """Takes the image away."""


class LifecycleTable(Table):
    """One rule in `lifecycle` of a `[[bucket]]`."""

    id: str = "rule"
    prefix: str = ""
    enabled: bool = True
    expire_days: Days | None = None
    transition_days: Days | None = None
    transition_class: str = ""
    abort_upload_days: Days | None = None


class BucketTable(Table):
    """`[[bucket]]`. With the name of a bucket that there is, it changes that."""

    provider: Provider
    name: str
    region: str = ""
    owner: str = ""
    """Another account's number; left out: the default world's account."""
    acl: Literal["private", "public-read", "public-read-write"] | None = None
    storage_class: str | None = None
    encryption: str | None = None
    """`AES256`, `KMS`, `SM4`; `""` for none."""
    versioning: Literal["", "Enabled", "Suspended"] | None = None
    lifecycle: list[LifecycleTable] | None = None
    """Rules of `id`, `prefix`, `enabled`, `expire_days`, `abort_upload_days`, `transition_days` with `transition_class`."""
    policy: str | None = None
    """The bucket's policy, JSON text."""
    multi_az: bool | None = None
    redundancy: Literal["LRS", "ZRS"] | None = None
    block_public_access: bool | None = None
    public_endpoint_forbidden: bool | None = None
    absent: bool = False
    """Takes the bucket away, with what is in it."""


class ObjectTable(Table):
    """`[[object]]`: of a file, of a text, or of so many zeros."""

    provider: Provider
    bucket: str
    key: str
    file: str = ""
    text: str = ""
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=MAX_ZEROS)] = 0
    storage_class: str = ""


class RoleTable(Table):
    """`[[role]]`. With the name of a role that there is, it changes that."""

    provider: Provider
    name: str
    trusts: list[str] | None = None
    """Services that may take it on; left out: the image service."""
    policies: list[str] | None = None
    """Names of the vendor's policies."""
    actions: list[str] | None = None
    """Rights of a policy of its own, named after the role, beside `policies`: `["oss:GetObject"]`."""
    absent: bool = False


class KeyTable(Table):
    """`[[key]]`: an access key. The account's own without `user` or rights, a user's with."""

    provider: Provider
    id: str
    secret: str
    account: str = ""
    """Another account's number, which is opened if need be; left out: the default world's."""
    user: str = ""
    policies: list[str] | None = None
    actions: list[str] | None = None
    """As a role's; a key with neither may do everything of its account's own."""
    token: str | None = None
    expires_in_seconds: float | None = None
    """Real seconds until it ends; below 0 it has ended."""
    disabled: bool = False


TABLES: Mapping[str, type[Table]] = {
    "bucket": BucketTable,
    "object": ObjectTable,
    "role": RoleTable,
    "key": KeyTable,
    "image": ImageTable,
}
"""In the order in which they are sown."""

T = TypeVar("T", bound=Table)


def read_tables(content: Any, name: str, kind: type[T]) -> list[T]:
    """The tables of one kind. Raises SeedError that says what is wrong with which."""
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise SeedError(f"write [[{name}]] for each {name}")
    return [_read(each, name, kind) for each in content]


def _read(content: Mapping[str, Any], name: str, kind: type[T]) -> T:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for key in content:
        if key not in fields:
            raise SeedError(f"[[{name}]] takes no {key!r}; allowed: {', '.join(sorted(fields))}")
    for key, field in fields.items():
        if field.required and key not in content:
            raise SeedError(f"a [[{name}]] has no {key}")
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise SeedError(f"[[{name}]]: {error}") from error
