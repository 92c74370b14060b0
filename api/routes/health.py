"""Liveness and readiness; on the event loop, so that no load keeps them waiting."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.problems import RETRY, declare, problem_response
from api.readiness import Readiness
from api.schemas import Status

router = APIRouter()


@router.get("/healthz", summary="Whether the process is alive", response_model=Status)
async def healthz() -> Status:
    """Say that the process is alive."""
    return Status(status="ok")


@router.get(
    "/readyz", summary="Whether queries are answered", response_model=Status, responses=declare(503)
)
async def readyz(request: Request) -> Status | JSONResponse:
    """Say whether index and network are loaded, so that queries are answered."""
    readiness: Readiness = request.app.state.readiness
    if readiness.missing is not None:
        return problem_response(503, readiness.missing, request.url.path, headers=RETRY)
    return Status(status="ready")
