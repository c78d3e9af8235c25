"""Known vulnerabilities in the locked runtime dependencies, by pip-audit.

What belongs here: running it and reading its answer. What does not: versions (`requirements`).

    python deploy/audit.py [--lock FILE] [--osv-url URL]

Ends with 1 on findings, also when it failed by itself; with 0 and the line `not checked: service
not reachable` when the vulnerability service could not be asked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "runtime.lock"
UNREACHABLE = "not checked: service not reachable"
# How pip-audit and what it is made of say that nobody answered.
_NO_ANSWER = (
    "Could not connect to",
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
)


def audit(lock: Path, osv_url: str | None = None) -> tuple[int, str]:
    """Exit code and what to print."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps"]
    command += ["--disable-pip", "--vulnerability-service", "osv", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "10"]
    command += ["--osv-url", osv_url] if osv_url else []
    done = subprocess.run(command, capture_output=True, text=True)
    return read(done.returncode, done.stdout, done.stderr)


def read(code: int, output: str, errors: str) -> tuple[int, str]:
    """What pip-audit's answer means; anything it did not foresee is a failure."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if code and any(word in errors for word in _NO_ANSWER):
            return 0, UNREACHABLE
        last = errors.strip().splitlines()[-1:] or ["no output"]
        return 1, f"not checked: pip-audit failed: {last[0]}"
    found = [
        f"{package['name']} {package['version']}: {finding['id']}, fixed in "
        f"{', '.join(finding['fix_versions']) or 'no version yet'}"
        for package in packages
        for finding in package.get("vulns", ())
    ]
    skipped = [
        f"{each['name']}: not checked: {each['skip_reason']}"
        for each in packages
        if "skip_reason" in each
    ]
    if found or skipped or code:
        count = f"{len(found)} known vulnerabilities, {len(skipped)} packages not checked"
        return 1, "\n".join([*found, *skipped, count])
    return 0, f"{len(packages)} packages, no known vulnerability"


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit and tell."""
    parser = argparse.ArgumentParser(prog="python deploy/audit.py")
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--osv-url", default=None)
    options = parser.parse_args(arguments)
    code, told = audit(options.lock, options.osv_url)
    sys.stdout.write(f"{told}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
