"""The service answers as its OpenAPI document says, whatever schemathesis makes up to send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from crm_online.api.keyfile import new_key
from tests.api.asking import ready
from tests.command import ROOT
from tests.servers.serving import serving

REFUSALS = ["400", "401", "403", "404", "405", "413", "414", "415", "422"]
"""What may become of a request that does not fit; 413 and 414 come before anything else is looked at."""
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
SCHEMA = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.json", config=CONFIG)
EXAMPLES = settings(max_examples=15, suppress_health_check=[*HealthCheck])
FEED = "/v1/changes"
OPERATIONS = [
    (path, method)
    for path, methods in json.loads((ROOT / "docs" / "openapi.json").read_bytes())["paths"].items()
    for method in methods
    if path != FEED
]
WIDE = {"/v1/rules", "/v1/segments/{segment_id}", "/v1/segments/{segment_id}/customers", "/v1/events"}
"""Where the schema lets through what only the service can refuse: the place of a page, the time of an event, a
name of signs that nobody sees."""


@pytest.fixture(scope="module")
def served(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return URL and key of a service."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("contract") / "shop")
    key = new_key(folder / "keys.toml", "contract", ["admin"])
    with serving(folder, "--state", "shop", "--set", "serve.keys_file=keys.toml", "--set", "serve.rate=none") as it:
        ready(it.url)
        yield it.url, key
        assert "Traceback" not in "".join(it.output)


def excluded(path: str) -> list[CheckFunction]:
    """Return the checks that do not hold for a path."""
    found: list[CheckFunction] = [positive_data_acceptance] if path in WIDE else []
    # An id may be sent as an integer, which the schema does not say.
    return [*found, negative_data_rejection] if path == "/v1/events" else found


def contract_of(path: str, method: str) -> object:
    """Return the test of one operation."""

    @SCHEMA.include(path=path, method=method).parametrize()
    @EXAMPLES
    def test(case: schemathesis.Case[Any], served: tuple[str, str]) -> None:
        url, key = served
        case.call_and_validate(
            base_url=url,
            timeout=60,
            headers={"Authorization": f"Bearer {key}"},
            excluded_checks=excluded(case.path),
        )

    return test


# pytest 9.2 gives all operations of a schema one id, and of tests of one id pytest-xdist runs one. So each is a test.
for _path, _method in OPERATIONS:
    vars()[f"test_{_method}_{_path}_answers_as_documented"] = contract_of(_path, _method)


@SCHEMA.include(path=FEED).parametrize()
@EXAMPLES
def test_the_feed_begins_as_documented_or_answers_a_documented_error(
    case: schemathesis.Case[Any], served: tuple[str, str]
) -> None:
    url, key = served
    asked = case.as_transport_kwargs(base_url=url, headers={"Authorization": f"Bearer {key}"})
    with requests.request(**asked, stream=True, timeout=60) as response:
        if response.status_code != 200:
            case.validate_response(response, excluded_checks=[positive_data_acceptance])
            return
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        begin = response.iter_content(None)
        assert next(begin).startswith(b"retry: ")
