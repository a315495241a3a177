"""The two clouds' settings from outside: read and changed by name, with the types of their dataclasses enforced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from imgmove.sandbox.world import World

PROVIDERS = ("tencent", "alibaba")


class SettingError(ValueError):
    """A setting that there is not, or a value of another type: the message says what is allowed."""


def show_settings(world: World) -> dict[str, dict[str, Any]]:
    """All settings by provider and name (see `Settings` in `world.tencent_rules` and `world.alibaba_rules`)."""
    with world.lock:
        return {provider: asdict(getattr(world, provider).settings) for provider in PROVIDERS}


def change_settings(world: World, changes: Mapping[str, Any]) -> None:
    """Sets what is given as {"tencent": {name: value}}, all of it or, when anything is wrong, nothing.

    Raises SettingError.
    """
    with world.lock:
        checked = [(_settings(world, provider), values) for provider, values in changes.items()]
        made = [(settings, values, _made(settings, values)) for settings, values in checked]
        for settings, values, new in made:
            for name in values:
                setattr(settings, name, getattr(new, name))
        world.changed()


def _settings(world: World, provider: str) -> Any:
    if provider not in PROVIDERS:
        raise SettingError(f"there is no provider {provider!r}; allowed: {', '.join(PROVIDERS)}")
    return getattr(world, provider).settings


def _made(settings: Any, values: Any) -> Any:
    """New settings with these values, checked."""
    if not isinstance(values, dict):
        raise SettingError(f"settings are given by name, not as {values!r}")
    names = [field.name for field in fields(settings)]
    for name in values:
        if name not in names:
            raise SettingError(f"there is no setting {name!r}; allowed: {', '.join(names)}")
    try:
        return msgspec.convert({**asdict(settings), **values}, type(settings))
    except msgspec.ValidationError as error:
        raise SettingError(str(error)) from error
