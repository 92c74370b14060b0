"""Liveness and readiness; on the event loop, so that no load keeps them waiting."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.problems import declare, problem_response
from api.schemas import Status

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether the process is alive", response_model=Status)
async def healthz() -> Status:
    """Say that the process is alive."""
    return Status(status="ok")


@router.get(
    "/readyz", summary="Whether queries are answered", response_model=Status, responses=declare(503)
)
async def readyz(request: Request) -> Status | JSONResponse:
    """Say whether index and network are loaded, so that queries are answered."""
    if getattr(request.app.state, "opened", None) is None:
        return problem_response(503, "the index is not loaded", request.url.path)
    return Status(status="ready")
