"""Takes the README's pictures anew: a demo in a folder of its own, seen by the system's Chromium.

Belongs here: what is pictured and how large. Does not: starting a browser
(`tests.fakes.browser`) or the platform (`tests.fakes.programs`). Run it by `make screenshots`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from playwright.sync_api import Browser, Page, ViewportSize

from tests.fakes.browser import chromium
from tests.fakes.programs import ROOT, started_platform

IMAGES = ROOT / "docs" / "images"
LARGEST_BYTES = 200_000
_SIZE = ViewportSize(width=1280, height=1150)
_GRAPH = ViewportSize(width=1440, height=900)
_GROUPS = ("intake", "matching")  # the others are too large to be read in a picture
_WAIT_MS = 120_000
_SETTLE_MS = 5_000


def main() -> None:
    """Write both pictures; an error when one is too large for a README."""
    with TemporaryDirectory(prefix="bulk-lookup-screenshots-") as home:
        environ = {"BULK_LOOKUP_ENV": "demo", "BULK_LOOKUP_HOME": home}
        program = Path(sys.executable).with_name("bulk-lookup")
        subprocess.run([program, "demo"], check=True, cwd=ROOT, env={**os.environ, **environ})
        with started_platform(environ) as (_, addresses), chromium() as browser:
            _dashboard(browser, addresses["dashboard"])
            _asset_graph(browser, addresses["dagster"])
    for file in sorted(IMAGES.glob("*.png")):
        size = file.stat().st_size
        print(f"{file.relative_to(ROOT)}: {size:,} bytes")  # noqa: T201
        if size >= LARGEST_BYTES:
            raise SystemExit(f"{file.name} is larger than {LARGEST_BYTES:,} bytes.")


def _dashboard(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=_SIZE, color_scheme="light")
    page.goto(address, wait_until="networkidle")
    _take(page, "dashboard")


def _asset_graph(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=_GRAPH)
    groups = ",".join(f"global@global:{name}" for name in _GROUPS)
    page.goto(f"{address}/asset-groups?expanded={quote(groups)}", wait_until="domcontentloaded")
    page.get_by_text("Hide navigation").click()
    page.wait_for_timeout(_SETTLE_MS)
    page.reload(wait_until="domcontentloaded")  # so that the graph fits the room there is now
    page.get_by_text("golden_contacts", exact=True).first.wait_for(timeout=_WAIT_MS)
    page.wait_for_timeout(_SETTLE_MS)  # states are coloured by polling
    _take(page, "asset-graph")


def _take(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
    page.close()


if __name__ == "__main__":
    main()
