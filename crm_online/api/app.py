"""The application: all routes, what guards them, and the document that describes them."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from operator import itemgetter
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from crm_online import __version__
from crm_online.answers.service import Problem
from crm_online.api import routes
from crm_online.api.compress import Compress
from crm_online.api.feed_limit import FeedLimit
from crm_online.api.gate import COOKIE, TLS_COOKIE, Gate
from crm_online.api.head import HeadAsGet
from crm_online.api.headers import Headers
from crm_online.api.limits import BodyLimit
from crm_online.api.problems import ALWAYS, handle_errors, problems
from crm_online.api.request_metrics import RequestMetrics
from crm_online.api.service import Service
from crm_online.dashboard import pages

TAGS = {
    "customers": "One customer, several, or those of a segment.",
    "segments": "The segments as they stand, their sizes, and the picture of them.",
    "aggregates": "What stands on many customers, for keys that may see no single one.",
    "rules": "The rules that hold.",
    "recommendations": "What to recommend to a customer, or for a basket.",
    "predictions": "What customers will do, and how good that is known.",
    "changes": "What changes, as it changes.",
    "events": "Events in.",
    "webhooks": "Where changes are posted to, and what could not be delivered.",
    "service": "The service itself.",
}
"""Tags of the routes, and what they are about."""

_ABOUT = """\
Look-ups are as of the latest event. Errors are problem documents (RFC 9457). Where keys are configured every request
below `/v1` needs one, as `Authorization: Bearer crm_…`; its scopes are `read`, `write`, `admin` (which includes
all) and `aggregates`. Answers may get more fields; leave those that you do not know."""
EXAMPLES: Final[dict[str, Any]] = json.loads((files("crm_online.api") / "examples.json").read_text(encoding="utf-8"))
"""An example of each operation's answer, by its id; lists are shortened to their first element."""

_COMPRESSED = 16_000
_EXPOSED = ("ETag", "Link", "Retry-After")


def create_app(service: Service) -> FastAPI:
    """Return the application of a service; it starts the service's parts and stops them."""
    settings = service.settings.serve
    app = _with_routes()
    app.state.service = service

    # The last one added is the first that a request meets.
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyLimit, limit=settings.body)
    app.add_middleware(FeedLimit, settings=settings, keys=service.keys, metrics=service.metrics)
    app.add_middleware(
        Gate,
        keys=service.keys,
        sessions=service.sessions,
        rate=settings.rate,
        origins=settings.cors,
        metrics=service.metrics,
    )
    app.add_middleware(Compress, minimum_size=_COMPRESSED, compresslevel=5)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"),
            expose_headers=_EXPOSED,
        )
    app.add_middleware(RequestMetrics, metrics=service.metrics)
    app.add_middleware(Headers)
    return app


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document, which is the same whatever is served."""
    return _with_routes().openapi()


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return _document(self)


def _with_routes() -> FastAPI:
    app = _Application(
        title="crm-online",
        version=__version__,
        summary="Customers, segments and rules as they stand, what changes about them, and what to recommend.",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    handle_errors(app)
    for router in _routers():
        app.include_router(router, responses=problems(*ALWAYS))
    app.include_router(pages.router())
    return app


def _routers() -> list[APIRouter]:
    """Return the router of each file of ``api/routes``, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(routes.__path__))
    found = [importlib.import_module(f"{routes.__name__}.{name}").router for name in names]
    return [router for router in found if isinstance(router, APIRouter)]


def _document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the schema of problems and the cookie that names a session."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version=app.openapi_version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {}).update(problem.pop("$defs", {}), Problem=problem)
        schemes = parts.setdefault("securitySchemes", {})
        schemes["session"] = {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "A browser's session, which stands for the key that POST /v1/session was sent with, until "
            f"it ends; it counts for the service's own pages only. Over TLS it is called {TLS_COOKIE}.",
        }
        for path in document["paths"].values():
            for operation in path.values():
                _complete(operation)
        app.openapi_schema = _named_by_title(document)
    return app.openapi_schema


def _named_by_title(document: dict[str, Any]) -> dict[str, Any]:
    """Name the schemas by their titles, on which generated clients rely, whatever their classes are called."""
    text = json.dumps(document)
    for name, schema in document["components"]["schemas"].items():
        text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{schema["title"]}"')
    named: dict[str, Any] = json.loads(text)
    schemas = named["components"]["schemas"].values()
    named["components"]["schemas"] = {schema["title"]: schema for schema in sorted(schemas, key=itemgetter("title"))}
    return named


def _complete(operation: dict[str, Any]) -> None:
    """Give an operation the first line of its description as its summary, and an example of its answer."""
    if "security" in operation:
        operation["security"].append({"session": []})
    operation["summary"] = operation["description"].splitlines()[0].removesuffix(".")
    example = EXAMPLES.get(operation["operationId"])
    for status in ("200", "202"):
        for content in operation["responses"].get(status, {}).get("content", {}).values():
            content["example"] = example


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    async with AsyncExitStack() as stack:
        for part in service.parts():
            await part.start()
            stack.push_async_callback(part.stop)
        yield
