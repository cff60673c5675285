"""One request to the service, and how its answer is read: all that both clients have in common but the waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from crm_online.answers.service import Problem
from crm_online.errors import (
    NotFound,
    RequestRejected,
    ServiceError,
    ServiceFault,
    ServiceRefused,
    ServiceUnavailable,
)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Params = tuple[tuple[str, str], ...]

_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request.

    Attributes
    ----------
    operation
        Id of the operation in the OpenAPI document.
    method, path, params, body
        The request; the path is encoded already.
    read
        Makes what is returned out of the answer's body.
    again
        Whether it may be sent again when it is not known what became of it.
    answers
        Statuses that are no errors.
    """

    operation: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    read: Callable[[bytes], T]
    params: Params = ()
    body: bytes | None = None
    again: bool = True
    answers: frozenset[int] = frozenset({200})

    def answer(self, status: int, content_type: str, retry_after: str | None, body: bytes) -> T:
        """Return the answer in a response.

        Raises
        ------
        ServiceError
            If it is not an answer.
        """
        if status not in self.answers:
            raise error_of(f"{self.method} {self.path}", status, content_type, retry_after, body)
        try:
            return self.read(body)
        except (ValidationError, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise ServiceFault(
                f"{self.method} {self.path}: the answer cannot be read: {reason}", status=status
            ) from error


def error_of(asked: str, status: int, content_type: str, retry_after: str | None, body: bytes) -> ServiceError:
    """Return the error that a response is, which need not come from the service: it may come from a proxy."""
    problem = Problem(title=f"HTTP status {status}", status=status)
    if content_type.partition(";")[0].strip() == _PROBLEM:
        with contextlib.suppress(ValidationError):
            problem = Problem.model_validate_json(body)
    faults = [(fault.where, fault.why) for fault in problem.errors or ()]
    text = problem.detail or f"{asked}: {problem.title}"
    if faults:
        text += f" ({faults[0][0]}: {faults[0][1]})"
    return _kind_of(status)(
        text,
        status=status,
        kind=problem.type,
        faults=faults,
        retry_after=float(retry_after) if retry_after and retry_after.isdecimal() else None,
    )


def _kind_of(status: int) -> type[ServiceError]:
    if status in (401, 403, 429):
        return ServiceRefused
    if status == 404:
        return NotFound
    if status in (502, 503, 504):
        return ServiceUnavailable
    return RequestRejected if 400 <= status < 500 else ServiceFault


def model(kind: type[M]) -> Callable[[bytes], M]:
    """Return what reads a body as a model."""
    return kind.model_validate_json


def text(body: bytes) -> str:
    """Read a body as text."""
    return body.decode()


def nothing(body: bytes) -> None:
    """Read a body without content."""


def params(**values: Any) -> Params:
    """Return the parameters of a query: those that are given, lists one by one.

    Examples
    --------
    >>> params(item=["a", "b"], limit=10, after=None)
    (('item', 'a'), ('item', 'b'), ('limit', '10'))
    """
    lists = {
        name: [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
        for name, value in values.items()
    }
    return tuple((name, str(one)) for name, several in lists.items() for one in several if one is not None)


def part(name: str) -> str:
    """Return an id as a part of a path, whatever is in it.

    Examples
    --------
    >>> part("a/b c"), part("..")
    ('a%2Fb%20c', '%2E%2E')
    """
    return quote(name, safe="").replace(".", "%2E")


def json(value: Any) -> bytes:
    """Return a body; dates and times may be in it."""
    return to_json(value)
