"""What each service can and cannot do, from the abilities that it declares: for `imgmove providers` and the docs."""

from __future__ import annotations

from typing import Any

from imgmove.clouds.registry import Registry
from imgmove.core.abilities import Abilities, NameRule, OperationAbility
from imgmove.core.requests import Operation

#: In the order in which a migration meets them.
SHOWN_OPERATIONS = (Operation.EXPORT, Operation.IMPORT, Operation.CREATE, Operation.TRANSFER)


def describe_providers(registry: Registry) -> list[dict[str, Any]]:
    """A JSON row for each service of each installed cloud."""
    rows = []
    for cloud in registry.clouds():
        for abilities in cloud.services.values():
            aliases = sorted(alias for alias, provider in cloud.aliases.items() if provider == abilities.provider)
            rows.append(_service(abilities, aliases))
    return rows


def _service(abilities: Abilities, aliases: list[str]) -> dict[str, Any]:
    return {
        "name": abilities.provider,
        "aliases": aliases,
        "title": abilities.title,
        "store": abilities.store_scheme,
        "operations": {
            operation.value: _ability(abilities.operations.get(operation)) for operation in SHOWN_OPERATIONS
        },
        "instead": {operation.value: text for operation, text in abilities.instead.items()},
        "image_name": _name_rule(abilities.image_name),
        "prefix": _name_rule(abilities.prefix) if abilities.prefix else None,
        "region_optional": abilities.region_optional,
        "transfer_from": list(abilities.transfer_from),
        "notes": list(abilities.notes),
    }


def _ability(ability: OperationAbility | None) -> dict[str, Any] | None:
    if ability is None:
        return None
    by_region: dict[str, list[str]] = {}
    for region, formats in ability.formats_by_region.items():
        by_region[region] = [item.value for item in formats]
    return {
        "formats": [item.value for item in ability.formats],
        "formats_by_region": by_region,
        "max_images": ability.max_images,
        "max_disks": ability.max_disks,
        "dry_run": ability.dry_run,
        "cancel": ability.cancel,
        "lookup": ability.lookup.value,
        "settling_seconds": ability.settling_seconds,
        "architectures": [item.value for item in ability.architectures],
        "boot_modes": [item.value for item in ability.boot_modes],
        "options": sorted(ability.options),
        "notes": list(ability.notes),
    }


def _name_rule(rule: NameRule) -> str:
    return rule.text or f"{rule.min_length} to {rule.max_length} characters"
