"""docs/reference/sandbox.md: services, actions, faults, settings and the default world, from the sandbox itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from imgmove.cli.sandbox import STRAY_VARIABLES
from imgmove.sandbox import SERVICES, Effect, Fault, Sandbox, control, faults
from imgmove.sandbox.seed import CREDENTIALS, tables
from imgmove.sandbox.summary import summarise
from imgmove.sandbox.wire import alibaba_sts, cam, cos_routes, cvm, ecm, ecs, oss_routes, ram, tencent_sts
from imgmove.sandbox.world import alibaba_rules, tencent_rules
from scripts.reference.markdown import block, code, codes, sections, table
from scripts.reference.source import attribute_docs, attribute_groups

_TITLES = {
    "cvm": "Tencent Cloud CVM, 2017-03-12",
    "ecm": "Tencent Cloud ECM, 2019-07-19",
    "cam": "Tencent Cloud CAM (roles), 2019-01-16",
    "tencent_sts": "Tencent Cloud STS, 2018-08-13",
    "cos": "Tencent Cloud COS",
    "ecs": "Alibaba Cloud ECS, 2014-05-26",
    "ram": "Alibaba Cloud RAM (roles), 2015-05-01",
    "alibaba_sts": "Alibaba Cloud STS, 2015-04-01",
    "oss": "Alibaba Cloud OSS",
}

_ACTIONS: Mapping[str, Iterable[str]] = {
    "cvm": cvm.ACTIONS,
    "ecm": ecm.ACTIONS,
    "cam": cam.ACTIONS,
    "tencent_sts": tencent_sts.ACTIONS,
    "cos": dict.fromkeys(route.action for route in cos_routes.ROUTES),
    "ecs": ecs.ECS.actions,
    "ram": ram.RAM.actions,
    "alibaba_sts": alibaba_sts.STS.actions,
    "oss": dict.fromkeys(route.action for route in oss_routes.ROUTES),
}


def services() -> str:
    rows = [
        (f"BASE + {number}", code(name), _TITLES[name], code(f"IMGMOVE_ENDPOINT_URL_{name.upper()}"))
        for number, name in enumerate(SERVICES)
    ]
    last = (f"BASE + {len(SERVICES)}", "control", "the [control API](#the-control-api)", "`IMGMOVE_SANDBOX_CONTROL`")
    return table(("port", "in faults and logs", "service", "variable"), [*rows, last])


def actions() -> str:
    return sections(f"**{_TITLES[name]}** (`{name}`): {codes(_ACTIONS[name])}." for name in SERVICES)


def credentials() -> str:
    return block("sh", "\n".join(f"export {name}={value}" for name, value in CREDENTIALS.items()))


def stray_variables() -> str:
    return codes(STRAY_VARIABLES) + "."


def effects() -> str:
    docs = attribute_docs(Effect)
    rows = [
        (code(effect.value), docs[effect.name], codes(sorted(faults._SETTINGS[effect] - faults._COMMON_SETTINGS)))
        for effect in Effect
    ]
    return table(("effect", "what happens", "its own settings"), rows)


def fault_settings() -> str:
    docs = attribute_docs(Fault)
    rows = [
        (code(f"{item.name}="), _default(item.default), docs[item.name] or _FAULT_WORDS[item.name])
        for item in fields(Fault)
        if item.name in faults._SETTING_ORDER
    ]
    return table(("setting", "default", ""), rows)


_ROUTE = re.compile(r"    (GET|POST)\s+(/\S+)\s+(.*)")
_FAULT_WORDS = {
    "code": "the vendor's error code to answer with, or that the task fails with",
    "message": "the text beside the code; the vendor's own where it is left out",
    "after": "so many matching requests pass untouched first",
    "times": f"so many requests are hit then; `{faults.FOREVER}` for all",
}


def _default(value: object) -> str:
    return "" if value is None or value == "" else code(str(value))


def control_api() -> str:
    routes = [_ROUTE.fullmatch(line) for line in (control.__doc__ or "").splitlines()]
    rows = [(code(f"{match[1]} {match[2]}"), match[3]) for match in routes if match]
    return table(("request", "what it does, or answers"), rows)


def seed_tables() -> str:
    return sections(
        f"`[[{name}]]`\n\n{table(('field', 'takes', ''), _seed_fields(kind))}" for name, kind in tables.TABLES.items()
    )


def _seed_fields(kind: type[tables.Table]) -> list[tuple[str, str, str]]:
    docs = attribute_docs(kind)
    found = msgspec.structs.fields(kind)
    return [(code(field.name), _taken(field), docs.get(field.name, "")) for field in found]


def _taken(field: msgspec.structs.FieldInfo) -> str:
    """The type as TOML knows it; a field that has to be there says so."""
    is_choice = get_origin(field.type) in (UnionType, Union)
    words = [_word(each) for each in (get_args(field.type) if is_choice else (field.type,)) if each is not type(None)]
    return " or ".join(words) + (", required" if field.required else "")


def _word(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _word(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return " or ".join(f'`"{word}"`' for word in get_args(kind))
    if get_origin(kind) in (list, dict):
        return "list" if get_origin(kind) is list else "table"
    return f'`"{kind}"`' if isinstance(kind, str) else _TOML_TYPES[kind]


_TOML_TYPES = {str: "text", bool: "`true`, `false`", int: "number", float: "number"}


def tencent_settings() -> str:
    return _settings(tencent_rules.Settings)


def alibaba_settings() -> str:
    return _settings(alibaba_rules.Settings)


def _settings(owner: Any) -> str:
    docs, groups, defaults = attribute_docs(owner), attribute_groups(owner), owner()
    by_group: dict[str, list[tuple[str, str, str]]] = {}
    for item in fields(owner):
        row = (code(item.name), code(_shown(getattr(defaults, item.name))), docs[item.name])
        by_group.setdefault(groups[item.name], []).append(row)
    return sections(f"*{title}*\n\n{table(('setting', 'default', ''), rows)}" for title, rows in by_group.items())


def _shown(value: object) -> str:
    """A value as JSON writes it; numbers without a point that says nothing."""
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def default_world() -> str:
    with Sandbox() as sandbox:
        state = summarise(sandbox)
    clouds = (("cos", state["tencent"]), ("oss", state["alibaba"]))
    return sections([
        table(("image", "region", "name", ""), [_image(item) for _, cloud in clouds for item in cloud["images"]]),
        table(("instance", "region", "name", "state"),
              [(code(item["id"]), item["region"], item["name"], item["state"])
               for _, cloud in clouds for item in cloud["instances"]]),
        table(("bucket", "region"),
              [(f"`{scheme}://{item['name']}`", item["region"]) for scheme, cloud in clouds for item in cloud["buckets"]]),
        table(("role", "account", "policies"),
              [(code(item["name"]), code(item["account"]), codes(item["policies"]))
               for _, cloud in clouds for item in cloud["roles"]]),
    ])  # fmt: skip


def _image(item: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return code(item["id"]), item["region"], item["name"], item.get("kind") or f"owner {item['owner']}"
