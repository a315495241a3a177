"""What a service can and cannot do, as data: read by preflight, by `imgmove providers` and by the docs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Architecture, BootMode, Operation


class Lookup(StrEnum):
    """What `find` can say after a submit whose answer was lost."""

    TOKENED = "tokened"
    """The vendor honours our token: send again with the same one, nothing happens twice."""
    CONCLUSIVE = "conclusive"
    """Once the settling time is over, what `find` does not see does not exist."""
    INCONCLUSIVE = "inconclusive"
    """Even then an operation may be under way that shows nowhere: an operator has to decide."""


@dataclass(frozen=True)
class ImageRules:
    """Which images and buckets an operation takes, as far as it can be told beforehand. None and empty: no rule known.

    What the vendor leaves open is in `doubtful`, by the names of these fields: breaking such a rule is a warning.
    """

    owners: frozenset[str] = frozenset()
    """`self`, `shared`, `public`, `market`: whose images it takes."""
    refused_platforms: frozenset[str] = frozenset()
    """Lower-case words that name a platform which it refuses: `windows`, `redhat`."""
    refuses_encrypted: bool = False
    refuses_market_origin: bool = False
    max_disk_gib: int | None = None
    min_system_disk_gib: int | None = None
    max_data_disks: int | None = None
    max_object_bytes: int | None = None
    """The largest object, in the smallest format that holds the data (CVM measures images as qcow2)."""
    refuses_encrypted_bucket: bool = False
    refuses_archived_objects: bool = False
    bucket_region: bool = True
    """The bucket has to be in the service's region."""
    file_systems: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    sources: dict[str, str] = field(default_factory=dict)
    """Where each rule is written, by the field's name."""


@dataclass(frozen=True)
class OperationAbility:
    """How one operation of one service behaves."""

    lookup: Lookup
    settling_seconds: float
    """How long a submit that took effect may stay invisible to `find`."""
    max_images: int = 1
    """How many images one export call takes."""
    dry_run: bool = True
    cancel: bool = False
    formats: tuple[DiskFormat, ...] = ()
    poll_seconds: float = 15.0
    """A polite default between two looks."""
    formats_by_region: dict[str, tuple[DiskFormat, ...]] = field(default_factory=dict)
    """Where formats depend on the region: region name to formats; `formats` is what every other region has."""
    written_as: dict[DiskFormat, DiskFormat] = field(default_factory=dict)
    """Where an export asked for in one format is written as another (ECS: raw comes as `.raw.tar.gz`)."""
    architectures: tuple[Architecture, ...] = ()
    boot_modes: tuple[BootMode, ...] = ()
    max_disks: int = 1
    options: frozenset[str] = frozenset()
    """Request fields beyond the necessary ones that this service understands (`description`, `tags`, …)."""
    notes: tuple[str, ...] = ()
    rules: ImageRules = field(default_factory=ImageRules)


@dataclass(frozen=True)
class NameRule:
    """What an image may be called here."""

    max_length: int
    min_length: int = 1
    pattern: str = ""
    text: str = ""
    """The rule in words, for the error."""
    source: str = ""

    def check(self, name: str, what: str = "the image name") -> None:
        """Raise INVALID with the rule in words unless `name` keeps it."""
        fits = self.min_length <= len(name) <= self.max_length
        if fits and (not self.pattern or re.fullmatch(self.pattern, name)):
            return
        rule = self.text or f"{self.min_length} to {self.max_length} characters"
        raise ImgmoveError(
            Kind.INVALID, f"{what} {name!r} ({len(name)} characters) is not allowed here: {rule}",
            code="InvalidName", hint="choose another with --name",
        )  # fmt: skip


@dataclass(frozen=True)
class Abilities:
    """One image service. `instead` says, for an operation that is missing, what to do instead."""

    provider: str
    title: str
    store_scheme: str
    """The scheme of the object store that this service exports to and imports from."""
    operations: dict[Operation, OperationAbility]
    image_name: NameRule
    instead: dict[Operation, str] = field(default_factory=dict)
    region_optional: bool = False
    image_id_example: str = ""
    image_id_pattern: str = ".+"
    instance_id_pattern: str = ".+"
    prefix: NameRule | None = None
    """What an export's name prefix may look like."""
    transfer_from: tuple[str, ...] = ()
    """Providers whose images this one can fetch by itself, in any region (TRANSFER)."""
    notes: tuple[str, ...] = ()

    def ability(self, operation: Operation) -> OperationAbility:
        """How `operation` behaves here; UNSUPPORTED with what to do instead where the service has no such thing."""
        found = self.operations.get(operation)
        if found is None:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{self.title} has no {operation.value}",
                code="UnsupportedOperation",
                hint=self.instead.get(operation, "`imgmove providers` lists what each service can do"),
            )  # fmt: skip
        return found

    def formats(self, operation: Operation, region: str) -> tuple[DiskFormat, ...]:
        """The formats that `operation` takes or gives in `region`, the default first."""
        ability = self.ability(operation)
        return ability.formats_by_region.get(region, ability.formats)
