"""The FastAPI app: a factory, so that each process and each test makes its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool

from api import problems
from api.dependencies import named
from api.load import limit_bodies, observe, with_threads
from api.loading import Loader, end_process, kept_loaded
from api.middleware.head import HeadAsGet
from api.problems import Problem, declare
from api.readiness import Readiness, UntilLoaded
from api.routes import (
    bulk,
    editing,
    explain,
    facets,
    feedback,
    health,
    index,
    items,
    metrics,
    palette,
    search,
)
from api.routes import indexes as several
from api.routes.explain import Explain
from api.security.docs_page import add_docs_page
from api.security.document import declare_security
from api.security.install import add_headers, secure
from service.indexes import Indexes, indexes_of, one_index
from service.judging import Feedback
from service.opening import Opened
from service.settings import Settings, load_settings
from service.thumbnails import Thumbnails

_OF_ONE_INDEX = (
    (search, "search"),
    (explain, "search"),
    (palette, "palette"),
    (items, "items"),
    (editing, "items"),
    (bulk, "items"),
    (feedback, "feedback"),
    (facets, "index"),
    (index, "index"),
)
"""Routes of one index, each with its tag in the document."""
_TAGS = [
    {"name": "search"},
    {"name": "items"},
    {"name": "feedback", "description": "What people say of hits, to learn from."},
    {"name": "index"},
    {"name": "palette"},
    {"name": "indexes", "description": "Several indexes, and aliases that stand for them."},
    {
        "name": "of an index by name",
        "description": "The above for the index or alias `name`, not the default one.",
    },
    {"name": "health"},
]


def create_app(
    settings: Settings | None = None,
    opened: Opened | None = None,
    *,
    indexes: Indexes | None = None,
    on_failure: Callable[[BaseException], None] = end_process,
) -> FastAPI:
    """Return the app. Index and network are loaded once it runs, unless ``opened`` is given.

    Without ``settings`` they come from HUEWEAVE_* and the TOML file, so that
    ``uvicorn --factory api.app:create_app`` serves what HUEWEAVE_INDEX or HUEWEAVE_ROOT names.
    What goes wrong in loading is given to ``on_failure``.
    """
    settings = settings or load_settings()
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        served = indexes
        if served is None and opened is not None:
            served = one_index(opened)
        elif served is None:
            served = await run_in_threadpool(indexes_of, settings)
        app.state.loader = Loader(served)
        with with_threads(app, settings):
            async with kept_loaded(app.state.loader, readiness, on_failure):
                yield

    # Scripts of /docs from here: a self-hosted service may have no internet to fetch them.
    app = FastAPIOffline(
        docs_url=None,
        title="hueweave",
        version=version("hueweave"),
        summary="Find pictures alike in a chosen attribute: color, texture, or any block.",
        openapi_tags=_TAGS,
        lifespan=lifespan,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.readiness = readiness
    app.state.thumbnails = Thumbnails(settings.thumbnail_cache)
    problems.install(app)
    _include_routes(app)
    add_docs_page(app)
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    limit_bodies(app, settings)  # first, which is innermost
    app.add_middleware(UntilLoaded, readiness=readiness)
    app.add_middleware(HeadAsGet)
    secure(app, settings)
    observe(app, readiness)
    add_headers(app, settings)  # last, which is outermost
    _publish_schemas(app)
    return app


def _include_routes(app: FastAPI) -> None:
    """Add every route; those of one index twice, for the default one and for one by name."""
    may_be = declare(404, 429, 503)  # no such index; too many requests; none loaded yet
    for module, tag in _OF_ONE_INDEX:
        app.include_router(module.router, prefix="/v1", tags=[tag], responses=may_be)
    for module, _ in _OF_ONE_INDEX:
        app.include_router(
            module.router,
            prefix="/v1/indexes/{name}",
            tags=["of an index by name"],
            dependencies=[Depends(named)],
            responses=may_be,
        )
    app.include_router(several.router, prefix="/v1", tags=["indexes"], responses=declare(503))
    for module in (health, metrics):
        app.include_router(module.router, tags=["health"])


def _publish_schemas(app: FastAPI) -> None:
    """Complete the OpenAPI document.

    FastAPI does not see the query, whose route reads the body itself, and takes its own error
    documents for ours.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            found = document["components"]["schemas"]
            for model in (Explain, Feedback):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                found.update(schema.pop("$defs", {}))  # the query and all it is made of
                found[model.__name__] = schema
            found["Problem"] = Problem.model_json_schema()
            _name_problems(document)
            declare_security(document, keyed=bool(app.state.settings.keys))
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _name_problems(document: dict[str, Any]) -> None:
    """Put our problem document wherever FastAPI put its own validation error."""
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            if "application/json" in responses.get("422", {}).get("content", {}):
                responses["422"] = declare(422)[422]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
