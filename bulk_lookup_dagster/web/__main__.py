"""Serves the web app: `python -m bulk_lookup_dagster.web --port 8000`."""

from __future__ import annotations

import argparse

import uvicorn

from bulk_lookup_dagster.services.process import start
from bulk_lookup_dagster.web.app import create_app


def main() -> None:
    """Open the platform and serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m bulk_lookup_dagster.web")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument("--proxy", default="", help="addresses whose X-Forwarded-* are believed")
    options = parser.parse_args()
    uvicorn.run(
        create_app(start("web")),
        host=options.host,
        port=options.port,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(options.proxy),
        forwarded_allow_ips=options.proxy or None,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
