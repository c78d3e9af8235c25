"""`python -m bulk_lookup_dagster.sandbox --port N`: run the simulator on loopback.

Prints one JSON line, `{"url": …}`, once it listens; ends on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from dataclasses import replace

from bulk_lookup_dagster.sandbox.app import Sandbox
from bulk_lookup_dagster.sandbox.faults import PLANS
from bulk_lookup_dagster.sandbox.server import HttpProtocol


async def serve(port: int, sandbox: Sandbox) -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: HttpProtocol(sandbox.handle), "127.0.0.1", port, backlog=1024
    )
    address = server.sockets[0].getsockname()
    print(json.dumps({"url": f"http://127.0.0.1:{address[1]}"}), flush=True)  # noqa: T201
    await stop.wait()
    server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="The provider simulator of Bulk Lookup.")
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument("--latency-ms", type=float, help="instead of the plan's own")
    parser.add_argument("--faults", choices=sorted(PLANS), default="none")
    options = parser.parse_args()
    plan = PLANS[options.faults]
    if options.latency_ms is not None:
        plan = replace(plan, latency_ms=options.latency_ms)
    asyncio.run(serve(options.port, Sandbox(plan)))


if __name__ == "__main__":
    main()
