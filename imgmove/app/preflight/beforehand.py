"""Looks beforehand on behalf of a session: of a whole migration, of an export, of an import. Changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from imgmove.app.copying import End, Stores
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.preflight.catalogue import is_of_image
from imgmove.app.preflight.checks import judge, needed
from imgmove.app.preflight.facts import Facts, Surroundings
from imgmove.app.preflight.history import History
from imgmove.app.preflight.look import look_at, with_dry_run
from imgmove.app.preflight.refusal import refusal
from imgmove.app.preflight.sides import Side, Word
from imgmove.app.resolve import Place, Resolver, split_account
from imgmove.config import Prices, load_prices
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.findings import Finding, blocking
from imgmove.core.requests import ExportRequest, ImportRequest, Operation, ServiceRequest
from imgmove.engine.clock import Clock
from imgmove.engine.reads import Reads
from imgmove.engine.waiting import Waiter


@dataclass(frozen=True)
class Beforehand:
    """One session's way of looking beforehand. `history` is asked for only where a way is estimated."""

    resolver: Resolver
    stores: Stores
    clock: Clock
    history: Callable[[], History] = History
    stop: threading.Event = field(default_factory=threading.Event)

    def report(self, request: MigrateRequest) -> Facts:
        """Everything about a migration, for somebody who asked for it: what does not answer is a finding, too."""
        around = Surroundings(self.clock.now(), self.history(), self._prices(), is_report=True)
        return self._of_migration(request, self.reads(), around)

    def before_migration(self, request: MigrateRequest, waiter: Waiter) -> Facts:
        """Everything about a migration, before its first side effect.

        Raises what is no verdict (throttled, unavailable …) where nothing can be planned without the answer.
        """
        around = Surroundings(self.clock.now(), self.history(), self._prices())
        facts = self._of_migration(request, Reads(waiter), around)
        for side in facts.sides:
            for answer in needed(facts, side).values():
                if answer.error is not None and answer.is_open:
                    raise answer.error
        return facts

    def before_export(self, place: Place, requests: Sequence[ExportRequest], *, force: bool) -> list[Finding]:
        """What is found before an export; raises the error that all that blocks makes. What does not answer is none.

        Of several images that are exported one by one, what blocks only some is left to them.
        """
        request = requests[0]
        image_ids = [image_id for item in requests for image_id in item.image_ids]
        wanted = MigrateRequest(
            place.provider, place.region, image_ids[0], "", "", request.bucket, "", format=request.format,
            root_disk_only=request.root_disk_only, export_role=request.role_name, force=force,
        )  # fmt: skip
        side = self._side("source", place.provider, place.region, Operation.EXPORT, request.bucket, request.role_name,
                          plans_ahead=False)  # fmt: skip
        facts = look_at(wanted, side, None, self.reads(), self._around(), image_ids=image_ids, dry_runs=False)
        findings = self._judged(facts, request if len(requests) == 1 else None)
        several = len(requests) > 1 and _some_are_free(image_ids, findings)
        _settle([item for item in findings if not (several and is_of_image(item))], force=force)
        return findings

    def before_import(self, place: Place, request: ImportRequest) -> list[Finding]:
        """What is found before an import; raises the error that all that blocks makes, and what is no verdict."""
        bucket = request.disks[0].bucket
        wanted = MigrateRequest(
            "", "", "", place.provider, place.region, "", bucket, name=request.name, os_type=request.os_type,
            os_version=request.os_version, architecture=request.architecture, boot_mode=request.boot_mode,
            license=request.license, import_role=request.role_name, force=request.force, keep_staged=True,
        )  # fmt: skip
        side = self._side("destination", place.provider, place.region, Operation.IMPORT, bucket, request.role_name,
                          plans_ahead=False)  # fmt: skip
        facts = look_at(wanted, None, side, self.reads(), self._around(), disks=request.disks, dry_runs=False)
        for _, answer in facts.objects:
            if answer.error is not None and answer.is_open:
                raise answer.error
        findings = self._judged(facts, request)
        _settle(findings, force=request.force)
        return findings

    # --------------------------------------------------------------------------------------------------- inside

    def _judged(self, facts: Facts, request: ServiceRequest | None) -> list[Finding]:
        """The findings; where our own judgement stops it, the vendor's dry run is asked for its word."""
        findings = judge(facts)
        if request is None or not any(item.waivable for item in blocking(findings)):
            return findings
        return judge(with_dry_run(facts, request, self.reads()))

    def _of_migration(self, request: MigrateRequest, reads: Reads, around: Surroundings) -> Facts:
        own = request.own_copy
        there, here = (Operation.TRANSFER,) * 2 if own else (Operation.EXPORT, Operation.IMPORT)
        source = self._side("source", request.source_provider, request.source_region, there,
                            "" if own else request.source_bucket, request.export_role)  # fmt: skip
        destination = self._side("destination", request.dest_provider, request.dest_region, here,
                                 "" if own else request.dest_bucket, request.import_role)  # fmt: skip
        return look_at(request, source, destination, reads, around, image_ids=(request.image_id,))

    def _side(
        self, word: Word, named: str, region: str, operation: Operation, bucket: str, role_name: str, *,
        plans_ahead: bool = True,
    ) -> Side:  # fmt: skip
        provider, profile = split_account(named)
        resolver = self.resolver.of_profile(profile)
        name, cloud = resolver.registry.provider(provider)
        scheme = cloud.services[name].store_scheme
        problem = _problem_of_name(partial(cloud.check_bucket_name, scheme, bucket)) if bucket else None
        # Opened without a region: its store is asked, so that a bucket of another one is told apart from a missing right.
        store = partial(self.stores, End(scheme, bucket, "", "", profile)) if bucket and problem is None else None
        side = Side(
            word, name, region, cloud, resolver.settings(cloud), operation, bucket, store, role_name, problem,
            plans_ahead=plans_ahead, reads_objects=plans_ahead and word == "source",
            writes_objects=plans_ahead and word == "destination",
        )  # fmt: skip
        if store is None or not region or not side.rules.bucket_region:
            return side
        return replace(side, store_here=partial(self.stores, End(scheme, bucket, "", region, profile)))

    def reads(self) -> Reads:
        """Asks what is safe to repeat, on behalf of this session."""
        return Reads(Waiter(self.clock, stop=self.stop, come_back="run the same command again"))

    def _prices(self) -> Prices:
        """The user's own; a usage error for a table that is wrong."""
        providers = [abilities.provider for abilities in self.resolver.registry.abilities()]
        return load_prices(self.resolver.configuration.environment, providers)

    def _around(self) -> Surroundings:
        return Surroundings(self.clock.now())


def _problem_of_name(check: Callable[[], None]) -> ImgmoveError | None:
    try:
        check()
    except ImgmoveError as error:
        if error.kind is not Kind.USAGE:
            raise
        return error
    return None


def _settle(findings: list[Finding], *, force: bool) -> None:
    error = refusal(findings, force=force)
    if error is not None:
        raise error


def _some_are_free(image_ids: Sequence[str], findings: Sequence[Finding]) -> bool:
    """Of several images that are exported one by one, nothing stands in the way of some: the others fail alone."""
    stopped = {item.about.rpartition("/")[2] for item in blocking(findings) if is_of_image(item)}
    return not stopped.issuperset(image_ids)
