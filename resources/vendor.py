"""What the platform knows about a vendor, and how a client of it is made.

Belongs here: the registry entry's shape and the rules every vendor's credentials keep to. Does not:
any vendor (one file each), the list of them (see `registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, runtime_checkable

from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.pricing import Price
from bulk_lookup_dagster.engine.provider import Disabled, Operation, Provider
from resources.loopback import is_loopback


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of an account's allowance, counted in `unit`, as the vendor tells it.

    Prepaid credits have no `allowance` of their own and nothing that `resets_at`.
    """

    remaining: int
    allowance: int | None = None
    resets_at: datetime | None = None
    unit: str = "credits"


@dataclass(frozen=True, slots=True)
class Health:
    """What a vendor's free call told: one line, and the account's quota where the vendor tells."""

    detail: str
    quota: Quota | None = None


@runtime_checkable
class TellsRate(Protocol):
    """A client that may know the rate its account has."""

    async def account_rate(self, operations: Collection[str]) -> float | None:
        """Requests a second this account allows for these together; None: it does not tell."""
        ...


class Client(Provider, TellsRate, Protocol):
    """A provider that is opened with `async with` in the loop that uses it."""

    async def __aenter__(self) -> Self:
        """Open it."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        ...

    async def check(self) -> Health:
        """The vendor's free call; raises a `ProviderError`. Not called where all calls cost."""
        ...


Build = Callable[[Mapping[str, str], str, Any], Client]


@dataclass(frozen=True, slots=True)
class Vendor:
    """One registry entry.

    `variables` maps each credential's name to its environment variable. `credential_sets` are the
    complete sets, the preferred first; an empty set means that no credential is needed. `build`
    makes a client from credentials, address and the vendor's settings block. `free_check` names
    the call `doctor --providers` makes; empty: the vendor has only paid calls. `version` is what
    the client is written for, `sign_up` says in a sentence how one gets a key. Without
    `base_url_variable` it is local: rules of our own, which need neither network nor credentials.
    Vendors of one `account` share its credentials. `extras` are credentials handed over beside the
    chosen set where they are set: those that prove who sent a call-back. A vendor with a `contract`
    is off until address and credentials of a private contract are set; that sentence, to which
    their names are added, says why, and `shape` documents the request its holder must serve.
    """

    name: str
    title: str
    version: str
    variables: Mapping[str, str]
    credential_sets: Sequence[tuple[str, ...]]
    default_base_url: str
    base_url_variable: str
    operations: Mapping[str, Operation]
    prices: Sequence[Price]
    build: Build
    docs: str
    free_check: str = ""
    account: str = ""
    sign_up: str = ""
    extras: Sequence[str] = ()
    contract: str = ""
    shape: str = ""

    @property
    def section(self) -> str:
        """Where its variables stand in `.env.example`."""
        return self.account or self.title

    @property
    def is_local(self) -> bool:
        """Whether nobody outside this process is asked."""
        return not self.base_url_variable

    def make(
        self,
        credentials: Mapping[str, str],
        base_url: str,
        settings: VendorSettings,
        *,
        simulated: bool = False,
    ) -> Client | Disabled:
        """A client, not yet open, or why there is none; `simulated` admits loopback only."""
        if not settings.enabled:
            return Disabled(self.name, "switched off in the settings")
        if self.is_local:
            return self.build({}, "", settings)
        if self.contract and not (base_url and self._complete_set(credentials)):
            return Disabled(self.name, f"off: {self.contract} set {self._variables}")
        if simulated and not base_url:
            return Disabled(
                self.name, "the sandbox does not run; `bulk-lookup up`, `run` and `demo` start it"
            )
        if simulated and not is_loopback(base_url):
            raise ConfigError(
                "The demo asks nobody but its sandbox.",
                fix=f"Unset {self.base_url_variable}, or choose another BULK_LOOKUP_ENV.",
            )
        chosen = self._complete_set(credentials)
        if chosen is None:
            return Disabled(self.name, f"no credentials: set {self._variables}")
        return self.build(chosen, base_url, settings)

    def parser(self, settings: VendorSettings) -> Client:
        """A client that only reads stored parts: it is never opened and needs no credentials."""
        names = self.credential_sets[0]
        return self.build(dict.fromkeys(names, "replay"), self.default_base_url, settings)

    @property
    def _variables(self) -> str:
        """What to set: the preferred credentials, and the address where there is no default."""
        names = [self.variables[name] for name in self.credential_sets[0]]
        return " and ".join([self.base_url_variable, *names] if self.contract else names)

    def _complete_set(self, credentials: Mapping[str, str]) -> Mapping[str, str] | None:
        """The first set that is set; half a set is refused, never mixed with another (F28)."""
        for names in self.credential_sets:
            given = [name for name in names if credentials.get(name)]
            if len(given) == len(names):
                extras = [name for name in self.extras if credentials.get(name)]
                return {name: credentials[name] for name in (*names, *extras)}
            if given:
                variables = " and ".join(self.variables[name] for name in names)
                raise ConfigError(
                    f"Only one of {variables} is set."
                    if len(names) == 2
                    else f"Of {variables} some are set and some are not.",
                    fix="Set all of them, or none.",
                )
        return None
