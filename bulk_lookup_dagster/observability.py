"""Structured logs and error reports, with nothing personal in either.

Belongs here: how a process logs and reports. Does not: what is worth saying (the caller knows),
metrics (see `web`).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from bulk_lookup_dagster import __version__
from bulk_lookup_dagster.core.environment import Environment
from bulk_lookup_dagster.core.redaction import redact, redact_text

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, Event, Hint
    from structlog.typing import Processor

_FLUSH_SECONDS = 5.0
_CHATTY = ("alembic", "sqlalchemy", "asyncio", "great_expectations")
_SENT_CONTEXTS = ("runtime", "os", "trace", "bulk_lookup")


def configure(environment: Environment, *, service: str) -> None:
    """Send logs as JSON lines to stderr and errors to `SENTRY_DSN`; once per process."""
    level = logging.getLevelName(environment.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(sort_keys=True),
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service, environment=environment.name)
    _report_errors(environment, service)


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """structlog processor: no phone number, e-mail address or credential leaves in a log line."""
    return {name: redact(value, key=name) for name, value in event.items()}


@contextmanager
def correlated(**ids: str | int | None) -> Iterator[None]:
    """Put ids (run, plan, batch, request) on every log line and error report inside the block."""
    known = {name: value for name, value in ids.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield


def report(error: BaseException) -> None:
    """Report an error that is handled but must not go unseen."""
    import sentry_sdk

    sentry_sdk.capture_exception(error)


def flush() -> None:
    """Wait until what was reported has left, as far as the tracker answers."""
    import sentry_sdk

    sentry_sdk.flush(timeout=_FLUSH_SECONDS)


def scrub(event: Event, _hint: Hint) -> Event | None:
    """Sentry's `before_send`: keep type, place and ids; drop values, people and hosts."""
    for name in ("user", "server_name", "request", "extra", "breadcrumbs", "modules"):
        event.pop(name, None)  # type: ignore[misc]
    contexts = event.get("contexts", {})
    event["contexts"] = {name: contexts[name] for name in _SENT_CONTEXTS if name in contexts}
    event["contexts"]["bulk_lookup"] = dict(structlog.contextvars.get_contextvars())
    for thrown in event.get("exception", {}).get("values", []):
        for frame in (thrown.get("stacktrace") or {}).get("frames", []):
            frame.pop("vars", None)
    cleaned: Event = redact(event)
    return cleaned


def _report_errors(environment: Environment, service: str) -> None:
    if not environment.sentry_dsn:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=environment.sentry_dsn,
        release=f"bulk-lookup@{__version__}",
        environment=environment.name,
        before_send=scrub,
        before_breadcrumb=_no_breadcrumb,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        traces_sample_rate=0.0,
        auto_session_tracking=False,
    )
    sentry_sdk.set_tag("service", service)


def _no_breadcrumb(_crumb: Breadcrumb, _hint: Hint) -> None:
    """Breadcrumbs carry queries, URLs and log lines: none is kept."""


__all__ = ["configure", "correlated", "flush", "redact_event", "redact_text", "report", "scrub"]
