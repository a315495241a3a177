"""One look at a way: everything is asked side by side, in three rounds, and becomes the facts that the checks judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from imgmove.app.guest import guest_of
from imgmove.app.migrate_request import MigrateRequest, export_request
from imgmove.app.preflight.answers import NO_VERDICT, NOT_ASKED, Answer, Question, ask_all
from imgmove.app.preflight.facts import Facts, Surroundings
from imgmove.app.preflight.planned import import_request, transfer_request
from imgmove.app.preflight.questions import PROBE_KEY, facts_of, looking, opening
from imgmove.app.preflight.sides import Side
from imgmove.app.route import choose_route
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import CheckResult, ComputeProvider, ObjectStore
from imgmove.core.requests import DiskSource, ImportRequest, Operation, ServiceRequest
from imgmove.engine.reads import Reads

T = TypeVar("T")

#: What a dry run of the import can tell although the object is not there yet; all else may be about the object.
_ABOUT_THE_DESTINATION: Final = frozenset({Kind.DENIED, Kind.QUOTA, Kind.EXISTS})
DRY_RUN_NAME: Final = "imgmovepreflight"


def look_at(
    wanted: MigrateRequest, source: Side | None, destination: Side | None, reads: Reads, around: Surroundings, *,
    image_ids: Sequence[str] = (), disks: Sequence[DiskSource] = (), dry_runs: bool = True,
) -> Facts:  # fmt: skip
    """Ask everything that concerns these sides. `disks` are objects to import, where they are there already.

    Changes nothing. Raises what `ask_all` raises; all else is in the facts.
    """
    sides = [side for side in (source, destination) if side is not None]
    opened = ask_all({name: ask for side in sides for name, ask in opening(side).items()}, reads)
    questions = {name: ask for side in sides for name, ask in looking(side, opened).items()}
    if source is not None:
        questions |= _of_images(opened.get("source service", NOT_ASKED), image_ids)
    if destination is not None:
        questions |= _of_objects(opened.get("destination store", NOT_ASKED), disks)
    given = ask_all(questions, reads)
    facts = Facts(
        wanted, around,
        facts_of(source, opened, given) if source else None,
        facts_of(destination, opened, given) if destination else None,
        {image_id: given[f"image {image_id}"] for image_id in image_ids if f"image {image_id}" in given},
        tuple((disk, given[f"object {disk.key}"]) for disk in disks if f"object {disk.key}" in given),
    )  # fmt: skip
    facts = _with_way(facts)
    return replace(facts, dry_runs=_dry_runs(facts, reads)) if dry_runs else facts


def _of_images(service: Answer[ComputeProvider], image_ids: Sequence[str]) -> dict[str, Question]:
    if service.value is None:
        return {}
    return {f"image {image_id}": partial(service.value.image, image_id) for image_id in image_ids}


def _of_objects(store: Answer[ObjectStore], disks: Sequence[DiskSource]) -> dict[str, Question]:
    if store.value is None:
        return {}
    return {f"object {disk.key}": partial(store.value.head, disk.key) for disk in disks}


def _with_way(facts: Facts) -> Facts:
    """The facts with the route, and with what the image says of its guest in the destination's words."""
    if facts.source is None or facts.destination is None or facts.wanted.own_copy:
        return facts
    source, there = facts.source.side, facts.destination.side
    route = _answered(
        lambda: choose_route(source.abilities, source.region, there.abilities, there.region, facts.wanted.format)
    )
    if facts.image is None:
        return replace(facts, route=route)
    modes = there.ability.boot_modes if there.ability else ()
    return replace(facts, route=route, guest=guest_of(facts.image, facts.destination.systems.value or (), modes))


def _answered(question: Callable[[], T]) -> Answer[T]:
    try:
        return Answer(question())
    except ImgmoveError as error:
        return Answer(error=error)


# --------------------------------------------------------------------------------------------------- dry runs


def _dry_runs(facts: Facts, reads: Reads) -> dict[str, Answer[Any]]:
    """Both vendors' own dry runs, as far as there is enough to ask with."""
    planned: dict[str, ServiceRequest | None] = {
        "source": _export_of(facts), "destination": _copy_of(facts) if facts.wanted.own_copy else _import_of(facts)
    }  # fmt: skip
    services: dict[str, ComputeProvider | None] = {side.side.word: side.service.value for side in facts.sides}
    questions: dict[str, Question] = {
        word: partial(_check, service, request)
        for word, request in planned.items()
        if request is not None and (service := services.get(word)) is not None
    }  # fmt: skip
    return ask_all(questions, reads)


def with_dry_run(facts: Facts, request: ServiceRequest, reads: Reads) -> Facts:
    """The facts of an operation of one side with its vendor's own dry run of `request`, where it has one."""
    side = facts.sides[0]
    if side.service.value is None or side.side.ability is None or not side.side.ability.dry_run:
        return facts
    given = ask_all({side.side.word: partial(side.service.value.check, request, DRY_RUN_NAME)}, reads)
    return replace(facts, dry_runs=given)


def _check(service: ComputeProvider, request: ServiceRequest) -> CheckResult:
    """The dry run; of an import only what it says about the destination, for the object is not there yet."""
    try:
        return service.check(request, DRY_RUN_NAME)
    except ImgmoveError as error:
        if not isinstance(request, ImportRequest) or error.kind in _ABOUT_THE_DESTINATION | NO_VERDICT:
            raise
        return CheckResult(error.request_id)


def _export_of(facts: Facts) -> ServiceRequest | None:
    side, route = facts.source, facts.route.value
    if side is None or route is None or facts.image is None or not side.has_bucket_in_place:
        return None
    return export_request(facts.wanted, route.exported)


def _import_of(facts: Facts) -> ServiceRequest | None:
    side = facts.destination
    if side is None or not side.has_bucket_in_place or facts.guest is None or not facts.name:
        return None
    formats = side.side.abilities.formats(Operation.IMPORT, side.side.region)
    disk = DiskSource(side.side.bucket, PROBE_KEY, formats[0])
    return import_request(facts.wanted, facts.name, facts.guest, (disk,))


def _copy_of(facts: Facts) -> ServiceRequest | None:
    return transfer_request(facts.wanted, facts.name) if facts.image is not None and facts.name else None
