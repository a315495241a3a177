"""Faults on request: what shall go wrong, where and how often; read from a line of text or a TOML file."""

from __future__ import annotations

import dataclasses
import re
import shlex
import threading
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from imgmove.sandbox.http import SERVICES

FOREVER = "forever"
"""How `times=None` is written in text."""


class Effect(StrEnum):
    """What a fault does. The value is how it is written."""

    REFUSE = "refuse"
    """Answer with an error of the vendor's shape; nothing is done."""
    THROTTLE = "throttle"
    """Answer as the vendor does to too many requests; nothing is done."""
    DELAY = "delay"
    """Wait for `seconds` of real time, then go on as usual."""
    DROP_BEFORE = "drop-before"
    """Break the connection; nothing is done."""
    DROP_AFTER = "drop-after"
    """Do what was asked, then break the connection without an answer."""
    CUT_BODY = "cut-body"
    """Break the connection halfway through the answer's body, or halfway through receiving a PUT's body."""
    CORRUPT_BODY = "corrupt-body"
    """Flip one byte of the answer's body, or of a PUT's body before it is stored."""
    LOSE_UPLOAD = "lose-upload"
    """Do what was asked and answer, then forget the multipart upload it belonged to."""
    FAIL_TASK = "fail-task"
    """Accept the request; the task that it starts fails."""
    STALL_TASK = "stall-task"
    """Accept the request; the task that it starts never ends."""
    HTML = "html"
    """Answer 502 with an HTML page, as a proxy in between would; nothing is done."""
    EMPTY = "empty"
    """Answer 200 with an empty body; nothing is done."""


TASK_EFFECTS = frozenset({Effect.FAIL_TASK, Effect.STALL_TASK})

_COMMON_SETTINGS = frozenset({"after", "times", "reason"})
_SETTINGS: Mapping[Effect, frozenset[str]] = {
    effect: _COMMON_SETTINGS
    | {
        Effect.REFUSE: frozenset({"code", "message", "status"}),
        Effect.FAIL_TASK: frozenset({"code", "message"}),
        Effect.DELAY: frozenset({"seconds"}),
    }.get(effect, frozenset())
    for effect in Effect
}
_SETTING_ORDER = ("code", "message", "status", "seconds", "after", "times", "reason")
_ACTION = re.compile(r"[A-Za-z0-9_*?!\[\]-]+")


class FaultError(ValueError):
    """A fault that cannot be: the message says where, what is wrong and what is allowed."""


@dataclass
class Fault:
    """One thing that shall go wrong. Raises FaultError when it makes no sense.

    `service` is one of the nine services or "*"; `action` is a name or a pattern with `*` and `?`, case ignored.
    The first `after` matching requests pass untouched, the next `times` are hit (None: all of them).
    """

    service: str
    action: str
    effect: Effect
    code: str | None = None
    message: str | None = None
    status: int | None = None
    """HTTP status of a refusal; None takes the one that the vendor sends with this code."""
    seconds: float | None = None
    """Length of a delay in real seconds."""
    after: int = 0
    times: int | None = 1
    reason: str = ""
    """Why it was asked for: a note for people, without effect."""
    matched: int = field(default=0, compare=False)
    """How many requests have matched so far, those that `after` let pass among them."""

    def __post_init__(self) -> None:
        self.effect = _effect(str(self.effect))
        _check_place(self.service, self.action)
        given = {name for name in _SETTING_ORDER if getattr(self, name) != _DEFAULTS[name]}
        _check_settings(self.effect, given)
        _check_numbers(self)
        if self.effect is Effect.REFUSE and not self.code:
            raise FaultError("refuse needs code=…, the vendor's error code to answer with")
        if self.effect is Effect.DELAY and self.seconds is None:
            raise FaultError("delay needs seconds=…, the real seconds to wait")

    def __str__(self) -> str:
        """The text form; `parse_fault` reads it back to an equal fault."""
        words = [f"{self.service}:{self.action}", self.effect.value]
        for name in _SETTING_ORDER:
            value = getattr(self, name)
            if value != _DEFAULTS[name]:
                words.append(f"{name}={shlex.quote(FOREVER if value is None else str(value))}")
        return " ".join(words)

    def concerns(self, service: str, action: str) -> bool:
        """Whether this fault is about that action of that service."""
        return self.service in ("*", service) and fnmatchcase(action.lower(), self.action.lower())

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.times is not None and self.matched >= self.after + self.times

    def _take(self) -> bool:
        """Counts a matching request; whether it is hit."""
        due = self.matched >= self.after and not self.spent
        self.matched += 1
        return due


_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Fault) if f.name in _SETTING_ORDER}


def _effect(text: str) -> Effect:
    try:
        return Effect(text)
    except ValueError:
        raise FaultError(f"there is no effect {text!r}; allowed: {', '.join(Effect)}") from None


def _check_place(service: str, action: str) -> None:
    if service != "*" and service not in SERVICES:
        raise FaultError(f"there is no service {service!r}; allowed: {', '.join(SERVICES)} or * for any")
    if not _ACTION.fullmatch(action):
        raise FaultError(f"{action!r} is not an action; write a name such as ExportImages or a pattern: Export*, *")


def _check_settings(effect: Effect, given: Iterable[str]) -> None:
    wrong = sorted(set(given) - _SETTINGS[effect])
    if wrong:
        allowed = ", ".join(name for name in _SETTING_ORDER if name in _SETTINGS[effect])
        raise FaultError(f"{effect} takes no {wrong[0]!r}; allowed: {allowed}")


def _check_numbers(fault: Fault) -> None:
    if fault.after < 0:
        raise FaultError(f"after must be 0 or more, not {fault.after}")
    if fault.times is not None and fault.times < 1:
        raise FaultError(f"times must be 1 or more, or {FOREVER}, not {fault.times}")
    if fault.status is not None and not 300 <= fault.status <= 599:
        raise FaultError(f"status must be an HTTP status from 300 to 599, not {fault.status}")
    if fault.seconds is not None and not 0 <= fault.seconds < float("inf"):
        raise FaultError(f"seconds must be 0 or more, not {fault.seconds}")


# Text


def parse_fault(text: str) -> Fault:
    """Reads `SERVICE:ACTION EFFECT [NAME=VALUE …]`, for example `cvm:ExportImages refuse code=LimitExceeded times=2`.

    Values with blanks are quoted as in a shell. Raises FaultError.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FaultError(f"{text!r}: {str(error).lower()}") from None
    if len(words) < 2 or ":" not in words[0]:
        raise FaultError(
            f"{text!r}: write SERVICE:ACTION EFFECT [NAME=VALUE …], e.g. cvm:ExportImages throttle times=3"
        )
    service, _, action = words[0].partition(":")
    try:
        effect = _effect(words[1])
        return Fault(service, action, effect, **_settings(effect, words[2:]))  # type: ignore[arg-type]  # checked by _value
    except FaultError as error:
        raise FaultError(f"{text!r}: {error}") from None


def _settings(effect: Effect, words: list[str]) -> dict[str, str | int | float | None]:
    settings: dict[str, str | int | float | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in _SETTING_ORDER:
            allowed = ", ".join(f"{n}=…" for n in _SETTING_ORDER if n in _SETTINGS[effect])
            raise FaultError(f"{word!r} is not a setting; allowed for {effect}: {allowed}")
        if name in settings:
            raise FaultError(f"{name} is given twice")
        settings[name] = _value(name, value)
    _check_settings(effect, settings)
    return settings


def _value(name: str, text: str) -> str | int | float | None:
    if name == "times" and text == FOREVER:
        return None
    try:
        if name == "seconds":
            return float(text)
        return int(text) if name in ("status", "after", "times") else text
    except ValueError:
        what = "a number" if name == "seconds" else "a whole number"
        raise FaultError(f"{name} must be {what}, not {text!r}") from None


# TOML


def load_faults(path: Path) -> list[Fault]:
    """Reads a TOML file of `[[fault]]` tables with the fields of Fault. Raises FaultError, OSError."""
    return parse_faults_toml(path.read_text("utf-8"), str(path))


def parse_faults_toml(text: str, name: str = "faults") -> list[Fault]:
    """Reads the text of such a file; `name` is what errors call it. Raises FaultError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FaultError(f"{name}: not TOML: {error}") from None
    tables = document.pop("fault", [])
    if document or not isinstance(tables, list):
        wrong = next(iter(document), "fault")
        raise FaultError(f"{name}: {wrong!r} does not belong here; allowed: [[fault]] tables")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*fault\s*\]\]", line)]
    places = [f"{name}, line {line}" for line in lines] if len(lines) == len(tables) else [name] * len(tables)
    return [_from_table(table, place) for table, place in zip(tables, places, strict=True)]


_FIELD_TYPES: Mapping[str, tuple[type, ...]] = {
    "service": (str,), "action": (str,), "effect": (str,), "code": (str,), "message": (str,), "status": (int,),
    "seconds": (int, float), "after": (int,), "times": (int, str, type(None)), "reason": (str,),
}  # fmt: skip


def fault_from_mapping(table: Mapping[str, object]) -> Fault:
    """Makes a fault of a TOML table or JSON object. Raises FaultError."""
    for name, value in table.items():
        if name not in _FIELD_TYPES:
            raise FaultError(f"there is no setting {name!r}; allowed: {', '.join(_FIELD_TYPES)}")
        if isinstance(value, bool) or not isinstance(value, _FIELD_TYPES[name]):
            raise FaultError(f"{name} must not be {value!r}")
    missing = [name for name in ("service", "action", "effect") if name not in table]
    if missing:
        raise FaultError(f"{missing[0]} is missing")
    given = dict(table)
    if isinstance(given.get("times"), str):
        given["times"] = _value("times", str(given["times"]))
    return Fault(**given)  # type: ignore[arg-type]  # the types were checked above, by table


def _from_table(table: object, place: str) -> Fault:
    if not isinstance(table, dict):
        raise FaultError(f"{place}: a fault is a table, not {table!r}")
    try:
        return fault_from_mapping(table)
    except FaultError as error:
        raise FaultError(f"{place}: {error}") from None


# The plan


class FaultPlan:
    """The faults in force, in the order added: the first one that is due wins. Safe to use from several threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults = list(faults)

    def add(self, fault: Fault | str) -> Fault:
        """Adds a fault, given as such or in its text form. Raises FaultError."""
        made = parse_fault(fault) if isinstance(fault, str) else fault
        with self._lock:
            self._faults.append(made)
        return made

    def clear(self) -> None:
        """Forgets all faults."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[Fault]:
        """All faults with their counts, spent ones too."""
        with self._lock:
            return list(self._faults)

    def match(self, service: str, action: str) -> Fault | None:
        """The fault that hits this request, if any; counts it. Faults of tasks are left to `task_fault`."""
        return self._take(service, action, tasks=False)

    def task_fault(self, service: str, action: str) -> Fault | None:
        """The FAIL_TASK or STALL_TASK that hits the task which this action starts, if any; counts it."""
        return self._take(service, action, tasks=True)

    def _take(self, service: str, action: str, *, tasks: bool) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if (fault.effect in TASK_EFFECTS) == tasks and fault.concerns(service, action) and fault._take():
                    return fault
        return None
