"""The outermost middleware: gives each request an id, counts it, and logs it."""

import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.tracing import HEADER, PROBES, REQUEST_ID, Trace, read_id
from service.stages import METER

log = logging.getLogger("api.access")


@dataclass(frozen=True)
class Observing:
    """Makes a request's trace, and sees it through to the end of its answer."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        trace = Trace(read_id(scope["headers"]), receive)
        scope.setdefault("state", {})["trace"] = trace
        # Not reset: the context is that of this request's own task, and a failure of another
        # middleware is still answered outside of this one.
        REQUEST_ID.set(trace.id)
        METER.set(self.metrics)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.status = message["status"]
                headers = [*message.get("headers", ()), (HEADER, trace.id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        with self.metrics.in_flight.track_inprogress():
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                self._note(scope, trace, time.perf_counter() - started)

    def _note(self, scope: Scope, trace: Trace, seconds: float) -> None:
        self.metrics.answered(trace.route, scope["method"], trace.status, seconds)
        quiet = scope["path"] in PROBES and trace.status in (200, 503)
        fields = {
            "method": scope["method"],
            # As it was sent, so without line breaks; not the query, which may hold a signature.
            "path": scope.get("raw_path", b"").decode("ascii", "replace"),
            "route": trace.route,
            "status": trace.status,
            "ms": round(seconds * 1000, 1),
        }
        log.log(
            logging.DEBUG if quiet else logging.INFO,
            "%(method)s %(path)s %(status)s %(ms)s ms",
            fields,
            extra={"fields": fields},
        )
