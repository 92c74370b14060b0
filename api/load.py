"""What keeps the load of an app within bounds, and shows it: threads, middleware, metrics."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from api.metrics import Metrics
from api.middleware.bodies import Bodies, BodyLimits
from api.middleware.failures import Failures
from api.middleware.observing import Observing
from api.middleware.stopping import Stopping, Traffic
from api.readiness import Readiness
from api.work import Workers
from service.settings import Settings

# What multipart framing and form fields may add to the pictures themselves.
_OVERHEAD = 1024 * 1024
# A body that is no picture is read at once, on the event loop.
_SMALL = 64 * 1024
# Threads that wait for the catalog and for files, more than for a processor.
_READERS = 8
_SCRAPES = 4


@contextmanager
def with_threads(app: FastAPI, settings: Settings) -> Iterator[None]:
    """Give an app the threads it works in, for as long as the body runs."""
    queue, timeout = settings.max_queue, settings.request_timeout
    app.state.workers = Workers(settings.max_concurrent, queue, timeout)
    app.state.lookups = Workers(settings.max_concurrent, queue, timeout)
    app.state.readers = Workers(_READERS, queue, timeout)
    app.state.scrapes = Workers(1, _SCRAPES, timeout)
    try:
        yield
    finally:
        for pool in (app.state.workers, app.state.lookups, app.state.readers, app.state.scrapes):
            pool.close()


def limit_bodies(app: FastAPI, settings: Settings) -> None:
    """Add the middleware around bodies and failures; before all other, which is innermost."""
    app.state.metrics = Metrics()
    # A whole request: a picture in base64 is a third larger than itself.
    one = settings.max_bytes * 4 // 3 + _OVERHEAD
    places = Workers.threads(settings.max_concurrent) + settings.max_queue
    limits = BodyLimits(one, _SMALL, one * places, settings.body_timeout)
    app.add_middleware(Bodies, limits=limits, metrics=app.state.metrics)
    app.add_middleware(Failures)


def observe(app: FastAPI, readiness: Readiness) -> None:
    """Add the middleware that counts, logs and stops; outside of what may refuse a request."""
    app.state.traffic = Traffic()
    app.add_middleware(
        Stopping, metrics=app.state.metrics, readiness=readiness, traffic=app.state.traffic
    )
    app.add_middleware(Observing, metrics=app.state.metrics)
