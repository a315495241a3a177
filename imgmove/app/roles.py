"""The roles that the vendors' services take on for us: what they have to be, how they are, and creating what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imgmove.app.resolve import Resolver
from imgmove.app.results import error_json
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.inspection import AccountInspector, Inspectable, RoleState, ServiceRole
from imgmove.core.requests import Operation
from imgmove.core.units import format_duration
from imgmove.engine.reads import Reads

Note = Callable[[str], None]

#: A new role shows at once or after some looks; from then on the vendors let it spread.
_POLL_SECONDS: Final = 3.0
_SHOWS_WITHIN_SECONDS: Final = 60.0
#: While a grant spreads, somebody is told so every so often.
_TELL_SECONDS: Final = 15.0


@dataclass(frozen=True)
class RoleReport:
    """One role: as it is to be, as it is (None: `error` says why nobody may look), and what was done about it."""

    role: ServiceRole
    state: RoleState | None = None
    error: ImgmoveError | None = None
    done: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """`ready`, `missing`, `incomplete`, or `unknown` where we may not look, or not at all of it."""
        state = self.state
        if state is None:
            return "unknown"
        if not state.exists:
            return "missing"
        if state.trusts is False or state.missing_actions:
            return "incomplete"
        return "unknown" if state.trusts is None or state.missing_actions is None else "ready"

    def to_json(self) -> dict[str, Any]:
        role, state = self.role, self.state or RoleState(exists=False)
        return {
            "provider": role.provider, "operation": role.operation.value, "name": role.name, "state": self.word,
            "service": role.trusted_service, "trust_policy": json.loads(role.trust_policy),
            "policy_name": role.policy_name, "policy": json.loads(role.policy),
            "policy_is_system": role.policy_is_system, "needed_actions": list(role.needed_actions),
            "exists": None if self.state is None else state.exists, "trusts": state.trusts,
            "attached": None if state.attached is None else list(state.attached),
            "missing_actions": None if state.missing_actions is None else list(state.missing_actions),
            "confirmed": role.is_confirmed, "description": role.description, "console": role.console,
            "command": f"imgmove roles create --provider {role.provider}",
            "done": list(self.done), "error": error_json(self.error),
        }  # fmt: skip


class Roles:
    """The service roles of one provider, in the account of one profile; `names` are the operator's own, of the role of
    exports and the role of imports."""

    def __init__(self, resolver: Resolver, provider: str, reads: Reads, names: tuple[str, str] = ("", "")) -> None:
        self.provider, cloud = resolver.registry.provider(provider)
        if not isinstance(cloud, Inspectable):
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"imgmove knows no service roles of {cloud.services[self.provider].title}",
                code="UnsupportedOperation", hint="see the vendor's own pages on exporting and importing images",
            )  # fmt: skip
        self._reads = reads
        given = {word: name for word, name in zip((Operation.EXPORT, Operation.IMPORT), names, strict=True) if name}
        self._inspector: AccountInspector = cloud.inspector(resolver.settings(cloud))
        self._roles = self._inspector.service_roles(self.provider, given)

    def show(self) -> list[RoleReport]:
        """Each role as it is to be and as it is. Changes nothing."""
        return [self._report(role) for role in self._roles]

    def create(self, *, wait: bool, note: Note) -> list[RoleReport]:
        """Create what is missing; with `wait`, return when the vendor's services can use it. Safe to repeat.

        Raises DENIED where we may not create, and INTERRUPTED when asked to stop: what is there by then stays, and
        the hint says how to see it.
        """
        try:
            reports = [self._create(role, note) for role in self._roles]
            if wait:
                self._let_spread([report.role for report in reports if report.done], note)
            return [replace(self._report(report.role), done=report.done) for report in reports]
        except ImgmoveError as error:
            look = f"what was created stays: `imgmove roles show --provider {self.provider}` shows what is there"
            raise error.with_hint(f"{error.hint}; {look}" if error.hint else look) from error

    def _create(self, role: ServiceRole, note: Note) -> RoleReport:
        done = tuple(self._inspector.create_role(role))
        for text in done:
            note(text)
        return RoleReport(role, done=done)

    def _report(self, role: ServiceRole) -> RoleReport:
        try:
            return RoleReport(role, self._reads.ask(lambda: self._inspector.role_state(role)))
        except ImgmoveError as error:
            if error.kind is Kind.INTERRUPTED:
                raise
            return RoleReport(role, error=error)

    # --------------------------------------------------------------------------------------------------- waiting

    def _let_spread(self, made: Sequence[ServiceRole], note: Note) -> None:
        """First until each role shows as it should be, then as long as the vendor's services may take to hear of it."""
        for role in made:
            self._until_it_shows(role)
        left = max((role.spread_seconds for role in made), default=0.0)
        while left > 0:
            note(f"waiting until the grant has spread: {format_duration(left)} left")
            self._reads.waiter.wait(min(_TELL_SECONDS, left))
            left -= _TELL_SECONDS

    def _until_it_shows(self, role: ServiceRole) -> None:
        waiter = self._reads.waiter
        deadline = waiter.clock.monotonic() + _SHOWS_WITHIN_SECONDS
        while self._report(role).word in {"missing", "incomplete"} and waiter.clock.monotonic() < deadline:
            waiter.wait(_POLL_SECONDS)


def role_lines(reports: Sequence[RoleReport]) -> Sequence[str]:
    """The lines of `roles show`: for each operation the role, its state, both documents, and how to make it."""
    return [line for report in reports for line in _lines(report)]


def _lines(report: RoleReport) -> list[str]:
    role, state = report.role, report.state
    lines = [f"{role.operation.value}: role {role.name}: {report.word}"]
    if role.description:
        lines.append(f"  {role.description}")
    if report.error is not None:
        lines.append(f"  not looked at: {report.error.message}")
    if state is not None and state.exists and state.trusts is False:
        lines.append(f"  trusts {', '.join(state.trusted_services) or 'nobody'}, and not {role.trusted_service}")
    if state is not None and state.exists and state.missing_actions:
        lines.append(f"  may not {', '.join(state.missing_actions)}")
    lines += ["  trust policy:", *_document(role.trust_policy)]
    kind = "the vendor's own" if role.policy_is_system else "to be created"
    lines += [f"  policy {role.policy_name} ({kind}), which allows:", *_document(role.policy)]
    if not role.is_confirmed:
        lines.append("  the vendor does not state exactly what this role has to be: another one that works is as good")
    if report.word != "ready":
        lines += [f"  $ imgmove roles create --provider {role.provider}", f"  by hand: {role.console}"]
    return [*lines, ""]


def _document(text: str) -> list[str]:
    return [f"    {line}" for line in json.dumps(json.loads(text), indent=2).splitlines()]
