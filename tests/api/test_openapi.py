"""The OpenAPI document is valid, whole, and that of the code; the client knows what is in it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from crm_online.answers.rules import Sort
from crm_online.api.app import EXAMPLES, TAGS, openapi
from crm_online.client import AsyncClient, Client
from crm_online.step import Kind

Operation = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Operation:
    return openapi()


def operations(document: Operation) -> Iterator[tuple[str, str, Operation]]:
    """Return path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def plain(schema: Any) -> Any:
    """Return a schema without what only some versions of pydantic say, though it goes without saying."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: plain(value) for name, value in schema.items()}
    if "const" in found:
        found.pop("enum", None)
    if found.get("additionalProperties") is True:
        del found["additionalProperties"]
    return found


def test_the_document_of_the_repository_is_that_of_the_code(document: Operation, root: Path) -> None:
    kept = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert plain(kept) == plain(document), "run `make docs`"


def test_it_is_valid_openapi_3_1(document: Operation) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_has_a_description_and_an_example(document: Operation) -> None:
    ids = []
    for path, _, operation in operations(document):
        ids.append(operation["operationId"])
        assert len(operation["summary"]) > 10, path
        assert operation["description"].startswith(operation["summary"]), path
        assert [tag for tag in operation["tags"] if tag in TAGS] == operation["tags"], path
        assert len(operation["tags"]) == 1, path
        for parameter in operation.get("parameters", []):
            named = parameter.get("description") or parameter["schema"].get("description")
            assert named or parameter["in"] == "path", (path, parameter["name"])
    assert len(ids) == len(set(ids))
    assert {name for name in ids if name != "end_session"} == EXAMPLES.keys()


def test_schemas_are_called_by_their_titles_whatever_the_classes_are_called(document: Operation) -> None:
    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    assert {"Segment", "Rule", "Flows", "Hierarchy", "Axis", "Partition", "Reject", "Taken"} <= schemas.keys()
    references = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))
    assert set(references) == schemas.keys()


def test_every_error_is_a_problem(document: Operation) -> None:
    for path, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and (path, status) != ("/readyz", "503"):
                (content,) = response["content"]
                assert content == "application/problem+json", (path, status)
                reference = response["content"][content]["schema"]
                assert reference == {"$ref": "#/components/schemas/Problem"}, (path, status)


def test_every_example_is_one(document: Operation) -> None:
    for path, _, operation in operations(document):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    faults = [error.message for error in Draft202012Validator(schema).iter_errors(content["example"])]
                    assert faults == [], path


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        found = inspect.getmembers(client, inspect.isfunction)
        return {name: [*inspect.signature(one).parameters] for name, one in found if not name.startswith("_")}

    waits, does_not = methods(Client), methods(AsyncClient)
    assert waits.pop("close") == does_not.pop("aclose")
    assert waits == does_not


def test_the_client_knows_what_can_be_asked_for(document: Operation) -> None:
    def allowed(path: str, name: str) -> list[str]:
        (found,) = [one for one in document["paths"][path]["get"]["parameters"] if one["name"] == name]
        schema = json.dumps(found["schema"])
        return [one for one in (*get_args(Kind), *get_args(Sort)) if f'"{one}"' in schema]

    assert allowed("/v1/rules", "sort") == [*get_args(Sort)]
    assert allowed("/v1/changes", "kind") == [*get_args(Kind)]
