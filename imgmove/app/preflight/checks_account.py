"""Who we are: identity, tokens, clocks, endpoints, and the roles that the vendors' services take on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from imgmove.app.preflight.answers import Answer
from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.estimate import seconds_needed
from imgmove.app.preflight.facts import Facts
from imgmove.app.preflight.sides import Side, SideFacts
from imgmove.core.findings import Finding, Severity
from imgmove.core.inspection import RoleState, ServiceRole
from imgmove.core.units import format_duration

#: From here on a clock is worth a word; from here on Tencent Cloud's API refuses; from here on the stores do.
SKEW_WARN_SECONDS: Final = 60.0
SKEW_REFUSED_SECONDS: Final = 300.0
SKEW_BLOCK_SECONDS: Final = 900.0
#: What imgmove itself calls a login that has ended (a tccli profile's).
EXPIRED: Final = "ExpiredCredentials"
NO_SUCH_LOOK: Final = "this cloud has no look for it"
#: Where nothing says how long the work takes, a token should last this long.
USUAL_SECONDS: Final = 7200.0


def identity(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Who the key acts as; a key that is missing or refused."""
    words = side.side.words | {"advice": side.side.advice}
    if side.service.is_denied or side.inspector.is_denied:
        yield found("credentials-missing", error=side.service.error or side.inspector.error, **words)
    elif side.identity.is_denied:
        if not clock_is_refused(side):
            yield found(_refusal_of(side), error=side.identity.error, **words)
    elif side.identity.value is not None:
        who = side.identity.value
        key = " ".join(word for word in (who.key_id, f"from {who.source}" if who.source else "") if word)
        yield found("identity", account=who.account_id, principal=who.principal or who.account_id,
                    key=f" (key {key})" if key else "", **words)  # fmt: skip
    else:
        yield found("identity-unknown", severity=_of_look(side.identity), error=side.identity.error,
                    reason=NO_SUCH_LOOK, **words)  # fmt: skip


def _of_look(answer: Answer[object]) -> Severity | None:
    """How bad it is that there is no answer: nobody may look, or (worse) the look failed and might have told."""
    return Severity.WARN if answer.is_open else None


def _refusal_of(side: SideFacts) -> str:
    """What a refused key is: one that has run out, where the code says so."""
    code = side.identity.error.code if side.identity.error else ""
    return "token-expired" if code == EXPIRED else side.side.advice.codes.get(code, "credentials-refused")


def token(facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """A temporary key: run out, running out too early, or without a known end."""
    who = side.identity.value
    if who is None or not who.is_temporary or who.renews:
        return
    words = side.side.words
    if who.expires_at is None:
        yield found("token-end-unknown", **words)
        return
    left = who.expires_at - facts.around.now
    needed = seconds_needed(facts)
    if left <= 0:
        yield found("token-expired", reason=f"it ended at {_stamp(who.expires_at)}", **words)
    elif left < (USUAL_SECONDS if needed is None else needed):
        needs = "may take longer" if needed is None else f"will take about {format_duration(needed)}"
        yield found("token-expires-early", left=format_duration(left), needs=needs, end=_stamp(who.expires_at), **words)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Our clock beside the services': a block where they refuse it, or soon will."""
    skew = side.skew_seconds
    if skew is None or abs(skew) < SKEW_WARN_SECONDS:
        return
    blocks = clock_is_refused(side) or abs(skew) >= SKEW_BLOCK_SECONDS
    yield found(
        "clock-skew", severity=Severity.BLOCK if blocks else Severity.WARN, seconds=round(abs(skew)),
        direction="behind" if skew > 0 else "ahead", **side.side.words,
    )  # fmt: skip


def clock_is_refused(side: SideFacts) -> bool:
    """The key was refused, and a clock that is so far off is reason enough."""
    return side.identity.is_denied and abs(side.skew_seconds or 0.0) >= SKEW_REFUSED_SECONDS


def endpoints(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """Where each service is asked, which kind of name that is, and what there is to say about it."""
    if side.endpoints:
        listed = ", ".join(f"{item.service} at {item.host} ({item.reach})" for item in side.endpoints)
        yield found("endpoints", listed=listed, **side.side.words)
    for item in side.endpoints:
        if item.note:
            yield found("endpoint-note", service=item.service, host=item.host, reach=item.reach, note=item.note,
                        **side.side.words)  # fmt: skip


# ------------------------------------------------------------------------------------------------------- roles


def roles(_facts: Facts, side: SideFacts) -> Iterator[Finding]:
    """The service roles that the operation takes on: there, trusting the service, and with their rights."""
    for role, answer in side.roles:
        yield from judge_role(role, answer, side.side)


def judge_role(role: ServiceRole, answer: Answer[RoleState], side: Side) -> Iterator[Finding]:
    """What is wrong with one role. Where the vendor leaves it open what is right, a difference is a warning."""
    words = side.words | {
        "role": role.name, "service": role.trusted_service, "console": role.console, "about": f"role {role.name}",
        "names": f" --{role.operation.value}-role {role.name}" if side.role_name else "", "advice": side.advice,
    }  # fmt: skip
    state = answer.value
    doubtful = Severity.BLOCK if role.is_confirmed else Severity.WARN
    if state is None:
        yield found("role-unknown", severity=_of_look(answer), error=answer.error, reason=NO_SUCH_LOOK, **words)
        return
    if not state.exists:
        yield found("role-missing", **words)
        return
    if state.trusts is False:
        trusted = ", ".join(state.trusted_services) or "nobody"
        yield found("role-trust", severity=doubtful, trusted=trusted, **words)
    if state.missing_actions:
        where = f" in {', '.join(role.buckets)}" if role.buckets else ""
        yield found("role-rights", severity=doubtful, actions=", ".join(state.missing_actions), where=where, **words)
    if state.trusts is None or state.missing_actions is None:
        yield found("role-unknown", reason="its policies may not be read", **words)
