"""The transport of both clients: headers, answers cached by their ETags, and when a request is sent again."""

from __future__ import annotations

from typing import Any, Final, TypedDict, TypeVar

import httpx
from tenacity import RetryCallState, retry_if_exception, stop_before_delay, wait_random_exponential
from tenacity.retry import retry_base
from tenacity.stop import stop_base

from crm_online import __version__
from crm_online.client.call import Call, Params
from crm_online.errors import InputError, ServiceError, ServiceUnavailable

T = TypeVar("T")

URL: Final = "http://127.0.0.1:8080"
TIMEOUT: Final = 10.0
PATIENCE: Final = 10.0
_CACHED = 64
_BODY = "crm_online.cached"
_WAIT = wait_random_exponential(multiplier=0.2, max=5.0)


class RetryOptions(TypedDict):
    """How tenacity sends a request again."""

    stop: stop_base
    wait: Any
    retry: retry_base
    reraise: bool


def retry_options(seconds: float) -> RetryOptions:
    """Return how to send a request again for some seconds, as long as its errors are transient."""
    return {
        "stop": stop_before_delay(seconds),
        "wait": _pause,
        "retry": retry_if_exception(is_transient),
        "reraise": True,
    }


def is_transient(error: BaseException) -> bool:
    """Return whether the same request may be answered later."""
    return isinstance(error, ServiceUnavailable) or (isinstance(error, ServiceError) and error.status == 429)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    retry_after = error.retry_after if isinstance(error, ServiceError) else None
    return max(retry_after or 0.0, _WAIT(state))


def http_options(url: str, key: str | None) -> dict[str, Any]:
    """Return the options of a client of httpx.

    Raises
    ------
    InputError
        If the URL or the key cannot be used.
    """
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputError(f"{url} is not a URL: {error}") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise InputError(f"{url} is not the URL of a service: it begins with http:// or https://")
    headers = {"User-Agent": f"crm-online/{__version__}", "Accept": "application/json"}
    if key is not None:
        if not (key.isascii() and key.isprintable()) or not key.strip():
            raise InputError("the key is not one: it begins with crm_ and has letters and digits only")
        headers["Authorization"] = f"Bearer {key.strip()}"
    return {"base_url": base, "headers": headers}


def unavailable(call: Call[Any], error: Exception) -> ServiceUnavailable:
    """Return what it means that no answer came."""
    reason = str(error) or type(error).__name__
    where = error.request.url.copy_with(raw_path=b"/") if isinstance(error, httpx.RequestError) else "the service"
    known = "" if call.again else "; whether it was done is not known"
    return ServiceUnavailable(f"{call.method} {call.path}: {where} does not answer: {reason}{known}")


class ETagCache:
    """Answers with an ETag: they are sent again only if they have changed."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, Params], tuple[str, bytes]] = {}

    def request(self, http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        """Return the request of a call."""
        tag, body = self._answers.get((call.path, call.params), ("", b""))
        headers = {"If-None-Match": tag} if tag else {}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        query = httpx.QueryParams(call.params) if call.params else None
        return http.build_request(
            call.method, call.path, params=query, content=call.body, headers=headers, extensions={_BODY: body}
        )

    def answer(self, call: Call[T], response: httpx.Response) -> T:
        """Return the answer of a call, and cache it if it has a tag.

        Raises
        ------
        ServiceError
            If the response is an error.
        """
        status, headers = response.status_code, response.headers
        if status == httpx.codes.NOT_MODIFIED:
            return call.read(response.request.extensions[_BODY])
        answer = call.answer(status, headers.get("Content-Type", ""), headers.get("Retry-After"), response.content)
        if call.method == "GET" and status == httpx.codes.OK and "ETag" in headers:
            if len(self._answers) >= _CACHED:
                self._answers = {}
            self._answers[call.path, call.params] = (headers["ETag"], response.content)
        return answer
