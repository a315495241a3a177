"""What is asked of one side, as questions by name; and its facts, from the answers. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from imgmove.app.preflight.answers import NOT_ASKED, Answer, Question
from imgmove.app.preflight.sides import Side, SideFacts
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import (
    AccountInspector,
    BucketSurvey,
    Inspectable,
    Quota,
    RoleState,
    ServiceRole,
    SurveyableStore,
)
from imgmove.core.ports import ComputeProvider, ObjectStore
from imgmove.core.requests import Operation

T = TypeVar("T")

#: A key that nobody has: what may be done with it is asked, and it never comes to be.
PROBE_KEY: Final = "imgmove-preflight"


def opening(side: Side) -> dict[str, Question]:
    """What is needed to ask anything: the service, who looks at the account, the bucket. Keys are found here."""
    questions: dict[str, Question] = {"service": side.compute}
    if isinstance(side.cloud, Inspectable):
        questions["inspector"] = partial(side.cloud.inspector, side.settings)
    if side.store is not None:
        questions["store"] = side.store
    return named(side, questions)


def looking(side: Side, opened: Mapping[str, Answer[Any]]) -> dict[str, Question]:
    """All that is asked of this side by itself."""
    service, inspector, store = (answer(side, opened, what).value for what in ("service", "inspector", "store"))
    questions: dict[str, Question] = {}
    if inspector is not None:
        questions |= _of_account(side, inspector)
    if store is not None:
        questions |= _of_bucket(side, store)
    if service is not None and side.word == "destination" and side.plans_ahead:
        questions |= _of_destination(side, service)
    return named(side, questions)


def _of_account(side: Side, inspector: AccountInspector) -> dict[str, Question]:
    questions: dict[str, Question] = {"identity": inspector.identity}
    for role in roles_of(side, inspector):
        questions[f"role {role.name}"] = partial(inspector.role_state, role)
    if side.word == "destination":
        questions["quota"] = partial(inspector.image_quota, side.provider, side.region)
    return questions


def roles_of(side: Side, inspector: AccountInspector) -> list[ServiceRole]:
    """The roles that this side's operation takes on, with the bucket where they need their rights."""
    names = {side.operation: side.role_name} if side.role_name else {}
    buckets = (side.bucket,) if side.bucket else ()
    found = inspector.service_roles(side.provider, names)
    return [replace(role, buckets=buckets) for role in found if role.operation is side.operation]


def _of_bucket(side: Side, store: ObjectStore) -> dict[str, Question]:
    if not isinstance(store, SurveyableStore) and not side.plans_ahead:
        return {}
    questions: dict[str, Question] = {"survey": partial(survey, store)}
    if isinstance(store, SurveyableStore):
        if side.reads_objects:
            questions["may read"] = partial(_allowed, side, store, lambda asked: asked.probe_read(PROBE_KEY))
        if side.writes_objects:
            questions["may write"] = partial(_allowed, side, store, lambda asked: asked.probe_write(PROBE_KEY))
    return questions


def _allowed(side: Side, store: SurveyableStore, probe: Callable[[SurveyableStore], None]) -> None:
    """Return where we may; DENIED where we may not.

    A key with rights on objects alone may not ask where its bucket is: it is tried where the service needs the bucket.
    """
    try:
        probe(store)
    except ImgmoveError as error:
        here: object = side.store_here() if error.kind is Kind.DENIED and side.store_here else None
        if not isinstance(here, SurveyableStore):
            raise
        try:
            probe(here)
        except ImgmoveError:
            raise error from None  # of a bucket that is elsewhere, the first answer says more


def survey(store: ObjectStore) -> BucketSurvey:
    """How the bucket is set up; of a store that cannot tell, its region."""
    if isinstance(store, SurveyableStore):
        return store.survey()
    info = store.bucket_info()
    encryption = None if info.encrypted is None else "on" if info.encrypted else ""
    return BucketSurvey(info.name, info.region, encryption, info.storage_class)


def _of_destination(side: Side, service: ComputeProvider) -> dict[str, Question]:
    questions: dict[str, Question] = {"names": lambda: frozenset(image.name for image in service.images())}
    if side.operation is Operation.IMPORT:
        questions["systems"] = lambda: tuple(service.os_choices())
    return questions


def facts_of(side: Side, opened: Mapping[str, Answer[Any]], given: Mapping[str, Answer[Any]]) -> SideFacts:
    """Everything that is known of a side."""
    inspector: Answer[AccountInspector] = answer(side, opened, "inspector")
    store: Answer[ObjectStore] = answer(side, opened, "store")
    survey_: Answer[BucketSurvey] = answer(side, given, "survey")
    quota: Answer[Quota] = answer(side, given, "quota")
    facts = SideFacts(
        side, answer(side, opened, "service"), inspector,
        identity=answer(side, given, "identity") if inspector.error is None else Answer(error=inspector.error),
        survey=survey_ if store.error is None else Answer(error=store.error),
        may_read=answer(side, given, "may read"), may_write=answer(side, given, "may write"),
        quota=quota, names=answer(side, given, "names"), systems=answer(side, given, "systems"),
    )  # fmt: skip
    if inspector.value is None:
        return facts
    roles: list[tuple[ServiceRole, Answer[RoleState]]] = [
        (role, answer(side, given, f"role {role.name}")) for role in roles_of(side, inspector.value)
    ]
    return replace(
        facts,
        endpoints=tuple(inspector.value.endpoints(side.provider, side.region)),
        skew_seconds=inspector.value.clock_skew_seconds(),
        roles=tuple(roles),
    )


def named(side: Side, questions: Mapping[str, Question]) -> dict[str, Question]:
    return {f"{side.word} {name}": question for name, question in questions.items()}


def answer(side: Side, given: Mapping[str, Answer[T]], name: str) -> Answer[Any]:
    return given.get(f"{side.word} {name}", NOT_ASKED)
