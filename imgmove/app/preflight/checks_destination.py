"""The other side: the name, the quota, the disks, and the guest in its words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imgmove.app.guest import boot_mode_of
from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import SideFacts
from imgmove.core.address import ImageAddress
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding, Severity
from imgmove.core.formats import DiskFormat
from imgmove.core.requests import Operation
from imgmove.core.units import format_size


def name(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Is the name legal there, and free?"""
    if not facts.name:
        return
    try:
        side.side.abilities.image_name.check(facts.name)
    except ImgmoveError as error:
        yield found("name-illegal", error=error, **_words(facts, side))
    if side.names.value is not None and facts.name in side.names.value:
        yield found("name-taken", name=facts.name, **_words(facts, side))


def quota(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Is there room for another image?"""
    known = side.quota.value
    if known is not None and known.limit is not None and known.used is not None and known.used >= known.limit:
        yield found("quota-full", used=known.used, limit=known.limit, **_words(facts, side))


def unknown(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """What could not be asked there. A quota that the service has no call for is not missed."""
    looks = (("the quota of images", side.quota), ("the names that are taken", side.names),
             ("the systems that it knows", side.systems))  # fmt: skip
    for question, answer in looks:
        if answer.error is not None and not answer.is_open:
            yield found("not-looked-at", error=answer.error, question=question, **_words(facts, side))


def disks(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Number and size of the disks against what the import takes."""
    image, ability = facts.image, side.side.ability
    if image is None or ability is None or side.side.operation is not Operation.IMPORT:
        return
    known, words, rules = facts.disks_of(image), _words(facts, side), ability.rules
    if len(known) > ability.max_disks:
        yield found("too-many-disks", count=len(known), limit=ability.max_disks, **words)
    for disk in known:
        size, kind = disk.get("size_gib"), disk.get("kind") or "system"
        if not isinstance(size, int):
            continue
        if rules.max_disk_gib is not None and size > rules.max_disk_gib:
            yield found("disk-too-large-there", severity=_doubt(side, "max_disk_gib"), disk=kind, size=size,
                        limit=rules.max_disk_gib, **words)  # fmt: skip
        if kind == "system" and rules.min_system_disk_gib is not None and size < rules.min_system_disk_gib:
            yield found("disk-too-small-there", size=size, limit=rules.min_system_disk_gib, **words)


def largest_object(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """What may come to more than the import takes: of an image its whole disks, of an object its own size."""
    limit = side.side.rules.max_object_bytes
    if limit is None:
        return
    for what, size in _sizes(facts, side):
        if size > limit:
            words = _words(facts, side) | {"about": what}
            yield found("object-too-large", size=format_size(size), limit=format_size(limit), **words)


def _sizes(facts: Facts, side: SideFacts) -> Iterator[tuple[str, int]]:
    for disk, answer in facts.objects:
        if answer.value is not None and disk.format is not DiskFormat.RAW:
            yield f"{side.side.bucket_uri}/{disk.key}", answer.value.size_bytes
    for disk_ in facts.disks_of(facts.image) if facts.image else ():
        if isinstance(disk_.get("size_gib"), int):
            yield f"the {disk_.get('kind') or 'system'} disk", disk_["size_gib"] << 30


def guest(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """System, architecture, boot mode and licence, in the destination's words."""
    if facts.guest is None or facts.image is None:
        return
    words = _words(facts, side)
    yield from _system(facts, words)
    yield from _machine(facts, side, words)
    licence = facts.wanted.license or facts.guest.license
    if licence == "BYOL":
        yield found("licence-own", licence=licence, **words)


def _system(facts: Facts, words: dict[str, Any]) -> Iterator[Finding]:
    if facts.guest is None:
        return
    said = " ".join(word for word in (facts.wanted.os_type, facts.wanted.os_version) if word)
    taken = said or " ".join(word for word in (facts.guest.os_type, facts.guest.os_version) if word)
    note = "; ".join(facts.guest.notes)
    if said or (taken and not note):
        yield found("os-mapped", system=taken, **words)
    elif taken:
        yield found("os-inexact", note=note, **words)
    elif note:
        yield found("os-unmapped", note=note, **words)


def _machine(facts: Facts, side: SideFacts, words: dict[str, Any]) -> Iterator[Finding]:
    ability, image = side.side.ability, facts.image
    if ability is None or image is None or facts.guest is None:
        return
    architecture = facts.wanted.architecture or facts.guest.architecture
    if architecture is not None and ability.architectures and architecture not in ability.architectures:
        known = ", ".join(item.value for item in ability.architectures)
        yield found("architecture-refused", architecture=architecture.value, known=known, **words)
    mode = facts.wanted.boot_mode or boot_mode_of(image)
    if mode is not None and mode.value != "bios" and mode not in ability.boot_modes:
        yield found("boot-mode-lost", mode=mode.value.upper(), **words)


def _doubt(side: SideFacts, rule: str) -> Severity:
    return Severity.WARN if rule in side.side.rules.doubtful else Severity.BLOCK


def _words(facts: Facts, side: SideFacts) -> dict[str, Any]:
    about = ""
    if facts.source is not None and facts.wanted.image_id:
        about = str(ImageAddress(facts.source.side.provider, facts.source.side.region, facts.wanted.image_id))
    return side.side.words | {"about": about, "image": facts.wanted.image_id, "advice": side.side.advice}
