"""Plain arrays and JSON as bytes: how examples and predictors are stored. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt, StateTooNew

_FORMAT = 1
_KINDS = {"<f4", "<f8", "<i8", "<i4", "<i2", "|u1", "|b1"}


def pack(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return bytes: a line of JSON with the head and each array's kind and shape, then the arrays.

    Examples
    --------
    >>> head, arrays = unpack(pack({"version": 3}, {"weights": np.array([0.5, 1.5])}))
    >>> head, arrays["weights"].tolist()
    ({'version': 3}, [0.5, 1.5])
    """
    wire = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    layout = [[name, array.dtype.str, list(array.shape)] for name, array in wire.items()]
    line = json.dumps({"format": _FORMAT, "head": dict(head), "arrays": layout}, separators=(",", ":"))
    return b"\n".join([line.encode(), b"".join(array.tobytes() for array in wire.values())])


def unpack(raw: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return head and arrays of what :func:`pack` wrote.

    Raises
    ------
    StateTooNew, StateCorrupt
        If a newer version, or none, wrote it.
    """
    line, _, data = raw.partition(b"\n")
    try:
        value = json.loads(line)
        if value["format"] > _FORMAT:
            raise StateTooNew(f"examples or predictors have format {value['format']}, known is up to {_FORMAT}")
        arrays, at = dict[str, NDArray[Any]](), 0
        for name, kind, shape in value["arrays"]:
            if kind not in _KINDS:
                raise StateCorrupt(f"an array of the kind {kind} is none of examples or predictors")
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(data, kind, count, at).reshape(shape).copy()
            at += arrays[name].nbytes
        if at != len(data):
            raise StateCorrupt("examples or predictors have bytes that belong to nothing")
        return dict(value["head"]), arrays
    except (ValueError, KeyError, TypeError) as error:
        raise StateCorrupt("examples or predictors cannot be read") from error
