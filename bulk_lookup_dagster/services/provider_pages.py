"""The pages `docs/providers/`: per vendor its key, cost, limits, what is stored and how long.

Everything comes from the registry, the steps, the settings' defaults and the list of variables, so
that a page cannot say what the code does not do. Belongs here: putting them together. Does not:
facts about a vendor (`resources/NAME_client.py`, `NAME_records.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bulk_lookup_dagster.core.environment import CHECKOUT
from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.engine.provider import Operation
from bulk_lookup_dagster.services.providers import vendor_settings
from bulk_lookup_dagster.services.steps import STEPS
from resources.registry import VENDORS
from resources.vendor import Vendor

FOLDER = CHECKOUT / "docs" / "providers"
_NOTICE = "Generated from the registry by `make generate`; do not edit by hand."
_LEAST = b'{"valid": true, "is_valid": true}'  # what no operation's parser does without
_MEANINGS = {variable.name: variable.meaning for variable in VARIABLES}


def pages() -> dict[str, str]:
    """Text by file name: one page per vendor and their index."""
    made = {f"{entry.name}.md": _page(entry) for entry in VENDORS}
    return {"README.md": _index(), **made}


def write_pages(folder: Path = FOLDER) -> None:
    """Write every page, and remove those of vendors that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


def _index() -> str:
    rows = [
        (f"[{entry.title}]({entry.name}.md)", ", ".join(entry.operations), _steps_of(entry))
        for entry in VENDORS
    ]
    head = f"# Providers\n\n{_NOTICE} `bulk-lookup doctor --providers` says which can be asked.\n"
    return f"{head}\n{_table(('provider', 'operations', 'steps'), rows)}"


def _page(entry: Vendor) -> str:
    parts = [f"# {entry.title}\n", _NOTICE + "\n", "## Getting a key\n", _key(entry)]
    if entry.shape:
        parts += ["## What your adapter answers\n", entry.shape]
    parts += ["## What it costs\n", _costs(entry), "## Limits\n", _limits(entry)]
    parts += ["## What we store, and how long\n", _stored(entry)]
    return "\n".join(parts)


def _key(entry: Vendor) -> str:
    if entry.is_local:
        return "None is needed: nobody outside this process is asked.\n"
    way = entry.sign_up or "Sign up with the vendor."
    rows = [(f"`{name}`", _MEANINGS[name]) for name in entry.variables.values()]
    rows.append((f"`{entry.base_url_variable}`", _address(entry)))
    check = entry.free_check or "none: it has only paid calls"
    sets = [
        " and ".join(f"`{entry.variables[name]}`" for name in names)
        for names in entry.credential_sets
    ]
    address = "" if entry.default_base_url else f" and `{entry.base_url_variable}`"
    return (
        f"{way} Documentation: <{entry.docs}>. Written for version {entry.version}.\n\n"
        f"Needed: {', or '.join(sets)}{address}. Free call of the doctor: {check}.\n\n"
        f"{_table(('variable', 'meaning'), rows)}"
    )


def _address(entry: Vendor) -> str:
    if entry.default_base_url:
        return f"Default: {entry.default_base_url}"
    return _MEANINGS[entry.base_url_variable]


def _costs(entry: Vendor) -> str:
    listed = {price.operation: price for price in entry.prices}
    rows = []
    for name in entry.operations:
        price = listed.get(name)
        override = f"`settings set providers.{entry.name}.price_overrides_usd.{name} USD`"
        told = (
            format_usd(price.max_micros)
            if price
            else f"none published: not asked before {override}"
        )
        source = f"{price.source} ({price.as_of.isoformat()})" if price else ""
        rows.append((f"`{name}`", told, source))
    head = "The most that one answer may cost; a price of your own goes over it.\n"
    return f"{head}\n{_table(('operation', 'at most', 'source'), rows)}"


def _limits(entry: Vendor) -> str:
    block = vendor_settings(Settings(), entry.name)
    rate = block.requests_per_second
    at_once = entry.parser(block).subjects_per_request
    rows = [
        ("requests a second, all processes", "no limit of ours" if rate is None else f"{rate:g}"),
        ("requests at once, per process", str(block.concurrency)),
        ("subjects per request", str(at_once)),
        ("calls for one request while unbilled", str(block.attempts)),
        ("connect / read / whole exchange", _seconds(entry)),
    ]
    head = f"Defaults; `bulk-lookup settings show` has yours, under `providers.{entry.name}`.\n"
    return f"{head}\n{_table(('limit', 'default'), rows)}"


def _seconds(entry: Vendor) -> str:
    block = vendor_settings(Settings(), entry.name)
    limits = (block.connect_timeout_s, block.read_timeout_s, block.total_timeout_s)
    return " / ".join(f"{one:g}" for one in limits) + " s"


def _stored(entry: Vendor) -> str:
    reader = entry.parser(vendor_settings(Settings(), entry.name))
    rows = [
        (
            f"`{name}`",
            _step_of(entry.name, name),
            ", ".join(sorted(reader.parse(name, _LEAST))),
            operation.licence_class,
            _kept(operation),
        )
        for name, operation in entry.operations.items()
    ]
    head = (
        "Each value with its origin, cost, licence class and expiry, and the part of the body it"
        " was read from as long as the value. What has expired is deleted, never bought anew.\n"
    )
    return f"{head}\n{_table(('operation', 'step', 'columns', 'licence class', 'kept'), rows)}"


def _kept(operation: Operation) -> str:
    keep = operation.retention
    if keep is None:
        return "no expiry"
    return f"{keep.days} days" if keep.days > 1 else f"{keep.total_seconds() / 3600:g} hours"


def _step_of(provider: str, operation: str) -> str:
    asked = [step.name for step in STEPS for offer in step.offers]
    keys = [offer.key for step in STEPS for offer in step.offers]
    found = [name for name, key in zip(asked, keys, strict=True) if key == (provider, operation)]
    return ", ".join(f"`{name}`" for name in found) or "none yet"


def _steps_of(entry: Vendor) -> str:
    names = [s.name for s in STEPS if any(offer.provider == entry.name for offer in s.offers)]
    return ", ".join(f"`{name}`" for name in names) or "none yet"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    write_pages()
