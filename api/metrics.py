"""What Prometheus is told: a registry for each app, and labels of few values only."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.work import Workers
from service.figures import Figures

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_PICTURES = (1, 2, 4, 8, 16, 32)
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Metrics:
    """The instruments of one app. Thread-safe; also the meter that stages are told to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._counter(
            "requests", "Requests that were answered.", "route", "method", "status"
        )
        self._failures = self._counter(
            "failures", "Answers with a status of 5xx but 503, which is no fault.", "route"
        )
        self._refused = self._counter(
            "refused", "Requests refused or given up under load, by reason.", "reason"
        )
        self._seconds = Histogram(
            "hueweave_request_seconds",
            "From a request's head to the end of its answer.",
            ["route"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._stages = Histogram(
            "hueweave_stage_seconds",
            "How long a stage of the answers took.",
            ["stage"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._batches = Histogram(
            "hueweave_batch_pictures",
            "Pictures that went through the network together, as deep as block.",
            ["block"],
            registry=self.registry,
            buckets=_PICTURES,
        )
        self.in_flight = Gauge(
            "hueweave_requests_in_flight",
            "Requests that are being received or answered.",
            registry=self.registry,
        )

    def answered(self, route: str, method: str, status: int | None, seconds: float) -> None:
        """A request is done; ``route`` is its template, ``status`` None if nobody was left."""
        method = method if method in _METHODS else "other"
        self._requests.labels(route, method, str(status or "none")).inc()
        self._seconds.labels(route).observe(seconds)
        if status is not None and status >= 500 and status != 503:
            self._failures.labels(route).inc()

    def refused(self, reason: str) -> None:
        """A request was refused or given up for a reason of docs/api.md."""
        self._refused.labels(reason).inc()

    def took(self, stage: str, seconds: float) -> None:
        """A stage of an answer took so long."""
        self._stages.labels(stage).observe(seconds)

    def batch(self, pictures: int, block: int) -> None:
        """So many pictures went through the network together, as deep as ``block``."""
        self._batches.labels(str(block)).observe(pictures)

    def render(
        self, accept: str, pools: Mapping[str, Workers], indexes: Mapping[str, Figures]
    ) -> tuple[bytes, str]:
        """Return all in a format that ``accept`` names, and its media type.

        ``pools`` of threads and ``indexes`` are read now.
        """
        encode, media_type = choose_encoder(accept)
        readings = CollectorRegistry()
        readings.register(_Readings(pools, indexes))
        # The end mark of OpenMetrics comes once.
        first = encode(self.registry).removesuffix(b"# EOF\n")
        return first + encode(readings), media_type

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"hueweave_{name}", meaning, labels, registry=self.registry)


class _Readings(Collector):
    """What is read when the metrics are asked for."""

    def __init__(self, pools: Mapping[str, Workers], indexes: Mapping[str, Figures]) -> None:
        self._pools, self._indexes = pools, indexes

    def collect(self) -> Iterable[Metric]:
        """Yield the state of threads and indexes."""
        threads = _gauge("threads", "Threads of a pool.", "pool")
        busy = _gauge("threads_busy", "Threads of a pool that are at work.", "pool")
        away = _gauge("threads_away", "Calls that wait for the network.", "pool")
        waiting = _gauge("queue_length", "Calls that wait for a thread of a pool.", "pool")
        for name, workers in self._pools.items():
            threads.add_metric([name], workers.count)
            busy.add_metric([name], workers.busy)
            away.add_metric([name], workers.away)
            waiting.add_metric([name], workers.waiting)
        items = _gauge("items", "Items of an index.", "index")
        generation = _gauge("generation", "The generation of an index; 0: none yet.", "index")
        judgements = _gauge("judgements", "Judgements that an index keeps.", "index")
        for name, figures in self._indexes.items():
            items.add_metric([name], figures.items)
            generation.add_metric([name], figures.generation)
            judgements.add_metric([name], figures.judgements)
        yield from (threads, busy, away, waiting, items, generation, judgements)


def _gauge(name: str, meaning: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hueweave_{name}", meaning, labels=[label])
