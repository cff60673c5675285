"""What the command line can do only with one of the package's extras."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec

from crm_online.errors import InputError


def need_kafka() -> None:
    """Look for the clients of Kafka, which are an extra.

    Raises
    ------
    InputError
        If one is not installed.
    """
    _need(("aiokafka", "cramjam", "faust"), "the clients of Kafka", "kafka")


def need_serve() -> None:
    """Look for what the service is made with, which is an extra.

    Raises
    ------
    InputError
        If a part is not installed.
    """
    _need(("fastapi", "uvicorn", "httptools", "orjson", "prometheus_client"), "the service's parts", "serve")


def _need(packages: Iterable[str], what: str, extra: str) -> None:
    # Faust puts another module in its place, which has no spec.
    if any(name not in sys.modules and find_spec(name) is None for name in packages):
        raise InputError(f"this needs {what}: pip install 'crm-online[{extra}]'")
