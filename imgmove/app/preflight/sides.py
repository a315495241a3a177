"""The two ends of a way: a service in a region, the bucket that it uses, and everything that was asked about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from imgmove.app.preflight.answers import NOT_ASKED, Answer
from imgmove.app.preflight.kinds import NO_ADVICE
from imgmove.core.abilities import Abilities, ImageRules, OperationAbility
from imgmove.core.errors import ImgmoveError
from imgmove.core.inspection import (
    AccountInspector,
    Advice,
    Advising,
    BucketSurvey,
    Endpoint,
    Identity,
    Quota,
    RoleState,
    ServiceRole,
)
from imgmove.core.ports import Cloud, ComputeProvider, ObjectStore
from imgmove.core.requests import Operation
from imgmove.core.settings import Settings
from imgmove.core.tasks import OsChoice

Word = Literal["source", "destination"]

_NO_RULES: Final = ImageRules()


@dataclass(frozen=True)
class Side:
    """One end. `operation` is what its service is asked to do; `store` None: no bucket is used, or none was named."""

    word: Word
    provider: str
    region: str
    cloud: Cloud
    settings: Settings
    operation: Operation
    bucket: str = ""
    store: Callable[[], ObjectStore] | None = None
    role_name: str = ""
    bucket_problem: ImgmoveError | None = None
    """Why no bucket can be called so: then there is no `store`."""
    plans_ahead: bool = True
    """The operation comes later: names and systems are asked for now. Else its own refusal is as early, and surer."""
    reads_objects: bool = False
    """We read objects of the bucket by ourselves."""
    writes_objects: bool = False
    store_here: Callable[[], ObjectStore] | None = None
    """The bucket opened in the service's own region, where the service can use no other."""

    @property
    def abilities(self) -> Abilities:
        return self.cloud.services[self.provider]

    @property
    def title(self) -> str:
        return self.abilities.title

    @property
    def ability(self) -> OperationAbility | None:
        return self.abilities.operations.get(self.operation)

    @property
    def rules(self) -> ImageRules:
        return self.ability.rules if self.ability else _NO_RULES

    @property
    def advice(self) -> Advice:
        return self.cloud.advice if isinstance(self.cloud, Advising) else NO_ADVICE

    @property
    def bucket_uri(self) -> str:
        return f"{self.abilities.store_scheme}://{self.bucket}"

    @property
    def words(self) -> dict[str, str]:
        """What findings of this side may name."""
        return {
            "side": self.word, "title": self.title, "provider": self.provider, "region": self.region,
            "bucket": self.bucket, "scheme": self.abilities.store_scheme, "operation": self.operation.value,
            "flag": f"--{'source' if self.word == 'source' else 'dest'}-bucket",
            "verb": "read" if self.operation is Operation.IMPORT else "write",
        }  # fmt: skip

    def compute(self) -> ComputeProvider:
        return self.cloud.compute(self.provider, self.region, self.settings)


@dataclass(frozen=True)
class SideFacts:
    """What was asked of one end, and what came of it."""

    side: Side
    service: Answer[ComputeProvider] = NOT_ASKED
    inspector: Answer[AccountInspector] = NOT_ASKED
    endpoints: tuple[Endpoint, ...] = ()
    identity: Answer[Identity] = NOT_ASKED
    skew_seconds: float | None = None
    roles: tuple[tuple[ServiceRole, Answer[RoleState]], ...] = ()
    survey: Answer[BucketSurvey] = NOT_ASKED
    may_read: Answer[None] = NOT_ASKED
    may_write: Answer[None] = NOT_ASKED
    quota: Answer[Quota] = NOT_ASKED
    names: Answer[frozenset[str]] = NOT_ASKED
    """Names of the images that are there."""
    systems: Answer[tuple[OsChoice, ...]] = NOT_ASKED

    @property
    def is_locked_out(self) -> bool:
        """The key itself is refused, or there is none: what else was refused says nothing more."""
        return self.service.is_denied or self.identity.is_denied

    @property
    def has_bucket_in_place(self) -> bool:
        """The bucket is there, and in the service's region: else its vendor's dry run would speak of nothing else."""
        survey = self.survey.value
        return survey is not None and not self.is_elsewhere(survey)

    def is_elsewhere(self, survey: BucketSurvey) -> bool:
        """Is the bucket in a region that this service does not reach?"""
        region = self.side.region
        named = bool(survey.region and region) and survey.region != region
        return named and not self.side.abilities.region_optional and self.side.rules.bucket_region
