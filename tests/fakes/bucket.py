"""An S3-compatible server on a free port of this machine, and one bucket on it.

Belongs here: starting and stopping it, looking into it past the platform. Does not: what is
asked of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "leads"
_KEYS = {"AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class BucketServer:
    """The server; `variables` is what the platform needs to know of it."""

    url: str
    client: Any

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a platform whose files lie under a prefix of the bucket."""
        place = {"AWS_ENDPOINT_URL": self.url, "BULK_LOOKUP_FILES": f"s3://{BUCKET}/platform"}
        return {**_KEYS, **place}

    def put(self, key: str, text: str) -> None:
        """Write an object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def get(self, key: str) -> str:
        """Read an object."""
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body.decode("utf-8-sig")

    def names(self) -> list[str]:
        """The objects there are."""
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [entry["Key"] for entry in found]

    def empty(self) -> None:
        """Remove every object."""
        for key in self.names():
            self.client.delete_object(Bucket=BUCKET, Key=key)

    def refuse_unknown_keys(self, refuse: bool) -> None:
        """Check credentials from now on, or take any."""
        free = 0 if refuse else 1_000_000
        content = str(free).encode()
        httpx.post(f"{self.url}/moto-api/reset-auth", content=content).raise_for_status()


@contextmanager
def running_bucket() -> Iterator[BucketServer]:
    """The server, in a process of its own, with its empty bucket; stopped at the end."""
    import boto3

    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,  # it ends with us
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="fake",
            aws_secret_access_key="fake",
        )
        client.create_bucket(Bucket=BUCKET)
        yield BucketServer(url, client)
    finally:
        process.kill()
        process.communicate(timeout=20)


def main() -> None:
    """Serve until standard input ends."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
