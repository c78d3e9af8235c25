"""A vendor's OpenAPI file, and what it says about a request and an answer.

Files are looked for in `$BULK_LOOKUP_CONTRACTS` and in `shared/contracts` beside the checkout or
above it. Where none is, the test is skipped and says so: the project keeps no copy.

Belongs here: reading a contract and holding documents against it. Does not: any vendor.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

_HERE = Path(__file__).resolve().parent


def _folders() -> list[Path]:
    named = os.environ.get("BULK_LOOKUP_CONTRACTS")
    shared = [parent / "shared" / "contracts" for parent in _HERE.parents]
    return [*([Path(named)] if named else []), *shared]


def contract(name: str) -> Contract:
    """The contract of a file's stem, such as `trestle`; skips the test where the file is absent."""
    return Contract(document(name))


def document(name: str) -> dict[str, Any]:
    """The same file as it is; skips the test, or the module that asks while it is imported."""
    for folder in _folders():
        path = folder / f"{name}.json"
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text())
            return found
    pytest.skip(
        f"no contract {name}.json: set BULK_LOOKUP_CONTRACTS to the folder that has it",
        allow_module_level=True,
    )


class Contract:
    """One file; raises `AssertionError` or `jsonschema.ValidationError` where it is broken."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._root = {"components": _plain(document.get("components", {}))}

    def check_request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        elsewhere: tuple[str, ...] = (),
    ) -> None:
        """Path, parameters, key and body of a request; `elsewhere` are parameters sent otherwise.

        `target` is the vendor's own path and query, as it would be asked below its server's URL.
        """
        url = urlsplit(target)
        path, operation = self._operation(method, url.path)
        sent = {name.lower(): value for name, value in headers.items()}
        parameters = [self._resolved(one) for one in operation.get("parameters", [])]
        shared = self.document["paths"][path].get("parameters", [])
        parameters += [self._resolved(one) for one in shared]
        query = parse_qsl(url.query, keep_blank_values=True)
        known = {one["name"] for one in parameters if one["in"] == "query"}
        assert {name for name, _ in query} <= known | self._keys("query"), "unknown parameter"
        for one in parameters:
            if one.get("required") and one["name"] not in elsewhere:
                self._present(one, dict(query), sent)
        for name in self._keys("header"):
            assert sent.get(name.lower()), f"the key is not in header {name}"
        self._check_body(operation, sent, body)

    def check_answer(
        self, method: str, path: str, status: int, document: Any, media: str = "application/json"
    ) -> None:
        """An answer's document against the schema of its status, else of its class or default."""
        answers = self._operation(method, path)[1]["responses"]
        named = answers.get(str(status)) or answers.get(f"{status // 100}XX")
        answer = self._resolved(named or answers["default"])
        self.conforms(answer["content"][media]["schema"], document)

    def conforms(self, schema: Any, document: Any) -> None:
        """A document against any schema of this file."""
        Draft202012Validator({**self._root, **_plain(schema)}).validate(document)

    def _operation(self, method: str, path: str) -> tuple[str, Mapping[str, Any]]:
        for template, operations in self.document["paths"].items():
            pattern = re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                return template, operations[method.lower()]
        raise AssertionError(f"the contract has no {method} {path}")

    def _present(
        self, one: Mapping[str, Any], query: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        given: Mapping[str, str] = {"query": query, "header": headers}.get(one["in"], {})
        if one["in"] in ("query", "header"):
            wanted = one["name"] if one["in"] == "query" else one["name"].lower()
            assert given.get(wanted), f"{one['name']} is missing"

    def _check_body(
        self, operation: Mapping[str, Any], headers: Mapping[str, str], body: bytes
    ) -> None:
        described = self._resolved(operation.get("requestBody") or {})
        if not described.get("content"):
            assert body == b"", "the contract knows no body here"
            return
        if not body:
            assert not described.get("required"), "a body is required"
            return
        media = headers.get("content-type", "").partition(";")[0]
        schema = described["content"][media].get("schema", {})
        if media == "application/json":
            self.conforms(schema, json.loads(body))
        elif media == "application/x-www-form-urlencoded":
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            known = self._resolved(schema).get("properties", {})
            assert fields.keys() <= known.keys(), "unknown form field"
            assert set(self._resolved(schema).get("required", [])) <= fields.keys()

    def _keys(self, place: str) -> set[str]:
        """Names of the API keys the contract wants in the query or in headers."""
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        wanted = {name for one in self.document.get("security", []) for name in one}
        return {
            scheme["name"]
            for name, scheme in schemes.items()
            if name in wanted and scheme.get("type") == "apiKey" and scheme["in"] == place
        }

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = part.get("$ref")
        if reference is None:
            return part
        found: Any = self.document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return self._resolved(found)


def _plain(schema: Any) -> Any:
    """OpenAPI's `nullable` in the words of JSON Schema; an enum of a nullable type admits null."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _plain(value) for key, value in schema.items() if key != "nullable"}
    kinds = made.get("type")
    if isinstance(kinds, list) and "null" in kinds and isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], None]
    if schema.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made
