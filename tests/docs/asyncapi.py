"""docs/asyncapi.yaml, read as others read it: by the official schema, and by its references."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

OFFICIAL = Path(__file__).with_name("asyncapi-3.0.0.json")
_NAME = "urn:asyncapi"


class Document:
    """The document."""

    def __init__(self, text: str) -> None:
        self.content: dict[str, Any] = yaml.safe_load(text)
        resource = Resource.from_contents(self.content, default_specification=DRAFT7)
        self._registry: Registry[Any] = Registry().with_resource(_NAME, resource)

    def faults(self) -> list[str]:
        """Return what the official schema has against it."""
        validator = Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))
        return [
            f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator.iter_errors(self.content)
        ]

    def references(self) -> Iterator[str]:
        """Return the targets of all references."""
        waiting: list[Any] = [self.content]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                if isinstance(part.get("$ref"), str):
                    yield part["$ref"]
                waiting.extend(part.values())
            elif isinstance(part, list):
                waiting.extend(part)

    def at(self, reference: str) -> Any:
        """Return what a reference leads to.

        Raises
        ------
        KeyError
            If it leads nowhere.
        """
        found: Any = self.content
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return found

    def validator(self, message: str) -> Draft7Validator:
        """Return what validates the payloads of a message."""
        schema = {"$ref": f"{_NAME}#/components/messages/{message}/payload"}
        return Draft7Validator(schema, registry=self._registry)
