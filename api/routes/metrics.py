"""Metrics for Prometheus."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.loading import Loader
from api.metrics import Metrics
from api.problems import declare
from api.work import Workers
from service.figures import figures_of

router = APIRouter()


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}},
        **declare(429, 503),
    },
)
async def get_metrics(request: Request) -> Response:
    """Return the server's metrics in the Prometheus text format, or in OpenMetrics."""
    state = request.app.state
    metrics: Metrics = state.metrics
    # A thread of its own: how busy the others are is what is asked for.
    own: Workers = state.scrapes
    pools: dict[str, Workers] = {
        "work": state.workers,
        "lookup": state.lookups,
        "read": state.readers,
    }
    loader: Loader = state.loader
    accept = request.headers.get("accept", "")

    def render() -> Response:
        indexes = figures_of(loader.indexes.all_opened())
        text, media_type = metrics.render(accept, pools, indexes)
        return Response(text, media_type=media_type)

    return await own.run(render)
