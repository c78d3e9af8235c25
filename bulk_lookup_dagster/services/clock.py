"""When things run by themselves: the stored settings as Dagster needs them while it loads.

Belongs here: reading them without starting or changing anything. Does not: the definitions.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import psycopg

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.core.settings import ScheduleSettings
from bulk_lookup_dagster.services.instance import embedded_server, with_dotenv
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect, plain_dsn

log = logging.getLogger(__name__)


def stored_schedules(environ: Mapping[str, str]) -> ScheduleSettings:
    """Schedules and intervals in force; the defaults, with a warning, where nobody can be asked.

    Definitions must load without a database, for `dagster definitions validate` and in CI.
    """
    environment = read_environment(with_dotenv(environ))
    server = embedded_server(environment)
    if server is None:
        dsn = plain_dsn(environment.database_url or "")
    elif server.is_running():
        dsn = server.dsn(roles.PLATFORM_DATABASE)
    else:
        return ScheduleSettings()
    try:
        with connect(dsn, name="bulk-lookup clock") as conn:
            return load_settings(conn).schedules
    except (StorageError, psycopg.Error) as error:
        log.warning("Schedules are the defaults: %s", type(error).__name__)
        return ScheduleSettings()
