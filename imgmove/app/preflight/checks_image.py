"""The image: there, at rest, ours, exportable by its kind, and small enough; and the format that the way takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import SideFacts
from imgmove.core.address import ImageAddress
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.findings import Finding, Severity
from imgmove.core.requests import Operation
from imgmove.core.tasks import Image
from imgmove.core.units import format_size


def images(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Each image by itself: what there is, and what the service's rules say about it."""
    for image_id, answer in facts.images.items():
        words = _words(side, image_id)
        if answer.value is not None:
            for check in _CHECKS:
                yield from check(facts, side, answer.value, words)
        elif answer.error is not None and not answer.is_open:
            yield from _refused(answer.error, words)


def _refused(error: ImgmoveError, words: dict[str, Any]) -> Iterator[Finding]:
    if error.kind is Kind.DENIED:
        yield found("image-denied", error=error, **words)
    elif error.kind in {Kind.NOT_FOUND, Kind.INVALID}:
        text = error if words["image"] in error.message else _named(error, words["image"])
        yield found("image-missing", error=text, **words)
    else:
        question = f"the image {words['image']}"
        yield found("not-looked-at", error=error, question=question, **words)


def _named(error: ImgmoveError, image_id: str) -> ImgmoveError:
    return replace(error, message=f"{image_id}: {error.message}")


def _state(_facts: Facts, _side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    if image.details.get("usable") is False:
        yield found("image-busy", state=image.state, **words)


def _owner(_facts: Facts, side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    owner, owners = image.details.get("owner"), side.side.rules.owners
    if owners and owner and owner not in owners:
        yield found(
            "image-owner", severity=_doubt(side, "owners"), owner=owner, owners=" and ".join(sorted(owners)), **words
        )


def _encryption(_facts: Facts, side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    if side.side.rules.refuses_encrypted and image.details.get("encrypted"):
        yield found("image-encrypted", severity=_doubt(side, "refuses_encrypted"), **words)


def _platform(_facts: Facts, side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    named = " ".join(str(image.details.get(name, "")) for name in ("platform", "os_type"))
    text = f"{named} {image.os}".lower().replace("red hat", "redhat")
    word = next((word for word in sorted(side.side.rules.refused_platforms) if word in text), None)
    if word is not None:
        platform = image.os or image.details.get("platform") or word
        yield found("image-platform", severity=_doubt(side, "refused_platforms"), platform=platform, word=word, **words)


def _market(_facts: Facts, side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    origin = image.details.get("product_code")
    if side.side.rules.refuses_market_origin and origin:
        product = origin if isinstance(origin, str) else "the vendor says so"
        yield found("image-from-market", severity=_doubt(side, "refuses_market_origin"), product=product, **words)


def _disks(facts: Facts, side: SideFacts, image: Image, words: dict[str, Any]) -> Iterator[Finding]:
    rules, disks = side.side.rules, facts.disks_of(image)
    limit = rules.max_disk_gib
    for disk in disks:
        size = disk.get("size_gib")
        if limit is not None and isinstance(size, int) and size > limit:
            yield found("disk-too-large", severity=_doubt(side, "max_disk_gib"), disk=disk.get("kind") or "system",
                        size=size, limit=limit, **words)  # fmt: skip
    most = None if rules.max_data_disks is None else rules.max_data_disks + 1
    if most is not None and len(disks) > most:
        yield found("too-many-disks", severity=_doubt(side, "max_data_disks"), count=len(disks), limit=most, **words)


_CHECKS: Final = (_state, _owner, _encryption, _platform, _market, _disks)


def _doubt(side: SideFacts, rule: str) -> Severity:
    return Severity.WARN if rule in side.side.rules.doubtful else Severity.BLOCK


def _words(side: SideFacts, image_id: str) -> dict[str, Any]:
    address = ImageAddress(side.side.provider, side.side.region, image_id)
    return side.side.words | {"about": str(address), "image": image_id, "advice": side.side.advice}


# ------------------------------------------------------------------------------------------------------ the way


def way(facts: Facts) -> Iterator[Finding]:
    """The format that is exported, what becomes of it, and how many bytes travel at most."""
    if facts.wanted.own_copy:
        if facts.destination is not None:
            yield found("own-copy", **facts.destination.side.words)
    elif facts.route.error is not None:
        yield found("no-route", error=facts.route.error)
    elif facts.route.value is not None:
        most = facts.bytes_at_most
        travels = (
            f"at most {format_size(most)} travel, less what of it is empty" if most else "nobody says how much travels"
        )
        yield found("way", route=facts.route.value.describe(), travels=travels)


def export_refused(facts: Facts, side: SideFacts, error: ImgmoveError) -> Finding:
    """The vendor's own dry run of the export said no."""
    return found("export-refused", error=error, **_words(side, facts.wanted.image_id))


def copy_refused(facts: Facts, side: SideFacts, error: ImgmoveError) -> Finding:
    """The vendor's own dry run of an import, or of its own copy, said no."""
    kind = "copy-refused" if side.side.operation is Operation.TRANSFER else "import-refused"
    return found(kind, error=error, **side.side.words | {"about": facts.wanted.image_id, "advice": side.side.advice})
