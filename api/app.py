"""The FastAPI app: a factory, so that each process and each test makes its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool

from api import problems
from api.middleware import BodyLimit, HeadAsGet
from api.problems import Problem, declare
from api.routes import explain, facets, health, index, items, palette, search
from api.routes.explain import Explain
from api.work import Workers
from service.opening import Opened, open_index
from service.settings import Settings, load_settings

# What multipart framing and form fields may add to the pictures themselves.
_OVERHEAD = 1024 * 1024


def create_app(settings: Settings | None = None, opened: Opened | None = None) -> FastAPI:
    """Return the app. Index and network are loaded when it starts, unless ``opened`` is given.

    Without ``settings`` they come from HUEWEAVE_* and the TOML file, so that
    ``uvicorn --factory api.app:create_app`` serves what HUEWEAVE_INDEX names.
    """
    settings = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.workers = Workers()
        app.state.opened = opened or await run_in_threadpool(open_index, settings)
        yield
        found, app.state.opened = app.state.opened, None
        found.close()

    # /docs with its scripts from here: a self-hosted service may have no internet to fetch them.
    app = FastAPIOffline(
        title="hueweave",
        version=version("hueweave"),
        summary="Find pictures alike in a chosen attribute: color, texture, or any block.",
        lifespan=lifespan,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.opened = None
    problems.install(app)
    for module in (search, explain, palette, items, facets, index, health):
        app.include_router(module.router)
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    # The body limit counts a whole request: a picture in base64 is a third larger than itself.
    app.add_middleware(BodyLimit, limit=settings.max_bytes * 4 // 3 + _OVERHEAD)
    app.add_middleware(HeadAsGet)
    _publish_schemas(app)
    return app


def _publish_schemas(app: FastAPI) -> None:
    """Complete the OpenAPI document.

    FastAPI does not see the query, whose route reads the body itself, and takes its own error
    documents for ours.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schema = Explain.model_json_schema(ref_template="#/components/schemas/{model}")
            found = document["components"]["schemas"]
            found.update(schema.pop("$defs", {}))  # the query and all it is made of
            found["Explain"] = schema
            found["Problem"] = Problem.model_json_schema()
            _name_problems(document)
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
