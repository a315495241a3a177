"""Time and money, from what is known alone: the user's own earlier jobs, `--bandwidth`, and the user's own prices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imgmove.app.preflight.catalogue import found
from imgmove.app.preflight.facts import GIB, Facts
from imgmove.core.errors import ImgmoveError
from imgmove.core.findings import Finding
from imgmove.core.units import format_duration, format_size
from imgmove.engine.transfer.bandwidth import parse_bandwidth

#: Where nothing is known, what copying would take at these rates is said: a good line, and a poor one.
_STATED_RATES: Final = (100 << 20, 10 << 20)
_DAYS_OF_MONTH: Final = 30.0


def time(facts: Facts) -> Iterator[Finding]:
    """How long it will take, and on what ground."""
    size = facts.bytes_at_most
    if size is None or facts.wanted.own_copy or facts.source is None or facts.destination is None:
        return
    parts = _parts(facts, size)
    if parts:
        known = ", ".join(f"{word} {format_duration(seconds)}" for word, seconds, _ in parts)
        missing = [word for word in ("export", "copy", "import") if word not in {part[0] for part in parts}]
        rest = f"; of {' and '.join(missing)} nothing is known" if missing else ""
        yield found("time", case="known", estimate=f"for {format_size(size)} at most: {known}{rest}",
                    basis="; ".join(f"{word}: {ground}" for word, _, ground in parts))  # fmt: skip
        return
    stated = ", ".join(f"{format_duration(size / rate)} at {format_size(rate)}/s" for rate in _STATED_RATES)
    yield found(
        "time", case="unknown", estimate=f"nobody knows yet: copying {format_size(size)} takes {stated}",
        basis="no earlier job says what export and import take, and the vendors do not either; the first one will tell",
    )  # fmt: skip


def seconds_needed(facts: Facts) -> float | None:
    """All parts together, None where one of them is not known."""
    size = facts.bytes_at_most
    if size is None or facts.source is None or facts.destination is None:
        return None
    parts = _parts(facts, size)
    return sum(part[1] for part in parts) if len(parts) == len(("export", "copy", "import")) else None


def _parts(facts: Facts, size: int) -> list[tuple[str, float, str]]:
    """Each part of which something is known: word, seconds, and how it is known."""
    if facts.source is None or facts.destination is None:
        return []
    there, here = facts.source.side.provider, facts.destination.side.provider
    found_: list[tuple[str, float, str]] = []
    for word, provider in (("export", there), ("copy", here), ("import", here)):
        seconds = facts.around.history.seconds(word, provider, size)
        limit = _limit(facts.wanted.bandwidth) if word == "copy" else 0
        if limit and (seconds is None or size / limit > seconds):
            found_.append((word, size / limit, f"--bandwidth {facts.wanted.bandwidth}"))
        elif seconds is not None:
            jobs = facts.around.history.jobs.get((word, provider), 0)
            found_.append((word, seconds, f"as {jobs} earlier job(s) of yours took"))
    return found_


def _limit(bandwidth: str) -> int:
    """The lowest limit of the day in bytes per second, 0 for none."""
    try:
        limits = [limit for _, limit in parse_bandwidth(bandwidth).entries if limit]
    except ImgmoveError:
        return 0  # whoever runs the copy says what is wrong with it
    return min(limits, default=0)


# ------------------------------------------------------------------------------------------------------- money


def cost(facts: Facts) -> Iterator[Finding]:
    """What it costs by the user's own table; without one, how to make one."""
    size = facts.bytes_at_most
    if size is None or facts.source is None or facts.destination is None:
        return
    if not facts.around.prices.table:
        yield found(
            "cost", case="unpriced", estimate=f"{_what_is_billed(facts, size)}; no prices are known",
            basis="prices differ by region and contract, and imgmove invents none",
            fix="set your own in config.toml: [prices] currency = \"…\", [prices.PROVIDER] traffic_per_gib = …, "
            "storage_per_gib_month = …, image_per_gib_month = …",
        )  # fmt: skip
        return
    lines = _priced(facts, size / GIB)
    total = sum(amount for _, amount, monthly in lines if not monthly)
    listed = "; ".join(
        f"{what} {_money(facts, amount)}{' a month' if monthly else ''}" for what, amount, monthly in lines
    )
    yield found(
        "cost", case="priced", estimate=f"at most {_money(facts, total)} at once: {listed or 'nothing of it has a price'}",
        basis=f"by your table [prices], for {format_size(size)} at most; what is not in it is not counted", fix="",
    )  # fmt: skip


def _what_is_billed(facts: Facts, size: int) -> str:
    if facts.wanted.own_copy:
        return f"the new image of {format_size(size)} is stored from then on"
    return f"{format_size(size)} at most leave the source's store, are staged twice, and stay as an image"


def _priced(facts: Facts, gib: float) -> list[tuple[str, float, bool]]:
    """What, how much, and whether every month."""
    if facts.source is None or facts.destination is None:
        return []
    prices = facts.around.prices
    there, here = prices.of(facts.source.side.provider), prices.of(facts.destination.side.provider)
    staged = [(f"a day staged at the {word}", table.get("storage_per_gib_month", 0.0) / _DAYS_OF_MONTH, False)
              for word, table in (("source", there), ("destination", here))]  # fmt: skip
    rows = [("traffic out of the source", there.get("traffic_per_gib", 0.0), False), *staged] * (
        not facts.wanted.own_copy
    )
    rows.append(("the new image", here.get("image_per_gib_month", 0.0), True))
    return [(what, price * gib, monthly) for what, price, monthly in rows if price]


def _money(facts: Facts, amount: float) -> str:
    return f"{amount:.2f} {facts.around.prices.currency}".strip()
