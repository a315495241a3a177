"""docs/reference/providers.md and formats.md: what each service can and cannot do, from what it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from imgmove.app.providers import SHOWN_OPERATIONS
from imgmove.clouds.registry import Registry
from imgmove.core.abilities import Abilities, Lookup, NameRule, OperationAbility
from imgmove.core.formats import _SUFFIXES, DiskFormat
from imgmove.core.ports import Cloud
from imgmove.core.requests import Operation
from imgmove.images.convert import can_convert
from imgmove.images.qemu import can_convert_files
from scripts.reference.markdown import code, codes, sections, table
from scripts.reference.source import attribute_docs

_YES = {True: "yes", False: "no"}


def _services() -> Iterator[tuple[Cloud, Abilities]]:
    for cloud in Registry.installed().clouds():
        for abilities in cloud.services.values():
            yield cloud, abilities


def overview() -> str:
    rows = [
        (abilities.title, code(abilities.provider), codes(_aliases(cloud, abilities)), f"`{abilities.store_scheme}://`",
         *(_YES[operation in abilities.operations] for operation in SHOWN_OPERATIONS))
        for cloud, abilities in _services()
    ]  # fmt: skip
    return table(("service", "provider", "also", "store", *(item.value for item in SHOWN_OPERATIONS)), rows)


def _aliases(cloud: Cloud, abilities: Abilities) -> list[str]:
    return sorted(alias for alias, provider in cloud.aliases.items() if provider == abilities.provider)


def details() -> str:
    return sections(_details(abilities) for _, abilities in _services())


def _details(abilities: Abilities) -> str:
    has = [operation for operation in SHOWN_OPERATIONS if operation in abilities.operations]
    rows = [
        (name, *(show(abilities.operations[operation]) for operation in has))
        for name, show in _ROWS
        if any(show(abilities.operations[operation]) for operation in has)
    ]
    instead = [f"No {operation.value}: {text}." for operation, text in abilities.instead.items()]
    return sections([
        f"## {abilities.title}",
        f"- Image ids look like `{abilities.image_id_example}`.\n- Names: {_rule(abilities.image_name)}."
        + (f"\n- `--prefix`: {_rule(abilities.prefix)}." if abilities.prefix else "")
        + (f"\n- Fetches images of {codes(abilities.transfer_from)} by itself (`transfer`)." if abilities.transfer_from else ""),
        *instead,
        table(("", *(operation.value for operation in has)), rows),
        "\n".join(f"- {operation.value}: {note}" for operation in has for note in _notes(abilities.operations[operation])),
        "\n".join(f"- {note}" for note in abilities.notes),
    ])  # fmt: skip


def _rule(rule: NameRule) -> str:
    return rule.text or f"{rule.min_length} to {rule.max_length} characters"


def _formats(ability: OperationAbility) -> str:
    return codes(item.value for item in ability.formats)


def _notes(ability: OperationAbility) -> Iterable[str]:
    yield from ability.notes
    by_formats: dict[tuple[DiskFormat, ...], list[str]] = {}
    for region, formats in ability.formats_by_region.items():
        by_formats.setdefault(formats, []).append(region)
    for formats, regions in by_formats.items():
        yield f"only {codes(item.value for item in formats)} in {codes(regions)}"


def _written_as(ability: OperationAbility) -> str:
    return ", ".join(f"`{asked.value}` as `{written.value}`" for asked, written in ability.written_as.items())


_ROWS: tuple[tuple[str, Callable[[OperationAbility], str]], ...] = (
    ("formats, the default first", _formats),
    ("written otherwise", _written_as),
    ("images a call", lambda ability: str(ability.max_images)),
    ("disks an image", lambda ability: str(ability.max_disks)),
    ("dry run at the service", lambda ability: _YES[ability.dry_run]),
    ("can be cancelled", lambda ability: _YES[ability.cancel]),
    ("architectures", lambda ability: codes(item.value for item in ability.architectures)),
    ("boot modes", lambda ability: codes(item.value for item in ability.boot_modes)),
    ("further options", lambda ability: codes(sorted(ability.options))),
    ("after a lost answer", lambda ability: ability.lookup.value),
    ("settling time", lambda ability: f"{ability.settling_seconds:g} s"),
    ("looked at every", lambda ability: f"{ability.poll_seconds:g} s"),
)


def lookups() -> str:
    docs = attribute_docs(Lookup)
    return table(("after a lost answer", "meaning"), [(code(item.value), docs[item.name]) for item in Lookup])


def format_matrix() -> str:
    columns = [
        (f"{abilities.provider} {operation.value}s", abilities.operations[operation])
        for _, abilities in _services()
        for operation in (Operation.EXPORT, Operation.IMPORT)
        if operation in abilities.operations
    ]
    rows = [
        (code(item.value), *(_gives(ability, item) for _, ability in columns))
        for item in DiskFormat
    ]  # fmt: skip
    return table(("format", *(title for title, _ in columns)), rows)


def _gives(ability: OperationAbility, item: DiskFormat) -> str:
    if item in ability.written_as.values():
        return "yes"
    if item in ability.written_as:
        return f"as `{ability.written_as[item].value}`"
    if item not in ability.formats:
        return ""
    return "in some regions" if ability.formats_by_region and item is not ability.formats[0] else "yes"


def conversions() -> str:
    rows = [
        (
            code(source.value),
            codes(wanted.value for wanted in DiskFormat if can_convert(source, wanted)) or "none",
            codes(
                wanted.value
                for wanted in DiskFormat
                if can_convert_files(source, wanted) and not can_convert(source, wanted)
            )
            or "none",
        )
        for source in DiskFormat
    ]
    return table(("from", "on the way, in constant memory, to", "as a local file, by `qemu-img`, to"), rows)


def suffixes() -> str:
    rows = [(code(suffix), code(item.value)) for suffix, item in _SUFFIXES]
    return table(("a name that ends in", "is taken for"), rows)
