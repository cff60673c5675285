"""What the command line can do only with one of the package's extras."""

from __future__ import annotations

from importlib.util import find_spec

from crm_online.errors import InputError


def need_kafka() -> None:
    """Look for the clients of Kafka, which are an extra.

    Raises
    ------
    InputError
        If one is not installed.
    """
    if any(find_spec(name) is None for name in ("aiokafka", "cramjam", "faust")):
        raise InputError("this needs the clients of Kafka: pip install 'crm-online[kafka]'")
