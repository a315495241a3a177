"""`imgmove providers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from imgmove.cli.command import Command, output_options


@click.command(
    "providers",
    cls=Command,
    exit_codes=(0, 2),
    examples=[
        ("What each service can and cannot do", "imgmove providers"),
        ("The formats that each exports", "imgmove providers -o json |\n"
         "    jq '.providers[] | {name, export: .operations.export.formats}'"),
    ],
)  # fmt: skip
@output_options
def command(**common: Any) -> None:
    """What each service can and cannot do, and what to do instead. No service is asked."""
    from imgmove.app.providers import describe_providers
    from imgmove.cli.render import print_json, print_lines
    from imgmove.clouds.registry import Registry

    rows = describe_providers(Registry.installed())
    if common["output"].is_json:
        print_json({"providers": rows, "error": None})
        return
    for row in rows:
        print_lines(_lines(row))


def _lines(row: Mapping[str, Any]) -> list[str]:
    names = ", ".join([row["name"], *row["aliases"]])
    lines = [f"{row['title']} (--provider {names}; store {row['store']}://)"]
    for name, ability in row["operations"].items():
        if ability is None:
            lines.append(f"  {name:<9} no: {row['instead'].get(name, '')}".rstrip())
            continue
        facts = [", ".join(ability["formats"])] if ability["formats"] else []
        facts += [
            word for word, given in (("dry run", ability["dry_run"]), ("can be cancelled", ability["cancel"])) if given
        ]
        lines.append(f"  {name:<9} yes{'; ' if facts else ''}{'; '.join(facts)}")
        lines += [f"            {note}" for note in (*_by_region(ability["formats_by_region"]), *ability["notes"])]
    lines.append(f"  names     {row['image_name']}")
    lines += [f"  {note}" for note in row["notes"]]
    return [*lines, ""]


def _by_region(formats_by_region: Mapping[str, list[str]]) -> list[str]:
    """Regions that have the same formats, on one line."""
    groups: dict[str, list[str]] = {}
    for region, formats in formats_by_region.items():
        groups.setdefault(", ".join(formats), []).append(region)
    return [f"only {formats} in: {', '.join(regions)}" for formats, regions in groups.items()]
