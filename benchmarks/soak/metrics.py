"""What a server says of itself in /metrics."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Key = tuple[str, str, int]


def read_metrics(address: str) -> tuple[dict[Key, int], dict[str, float]]:
    """Return answers by route, method and status (0: nobody was left), and gauges by name."""
    counted: dict[Key, int] = {}
    gauges: dict[str, float] = {}
    text = httpx.get(f"{address}/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "hueweave_requests_total":
                labels = sample.labels
                status = 0 if labels["status"] == "none" else int(labels["status"])
                counted[labels["route"], labels["method"], status] = int(sample.value)
            elif family.type == "gauge":
                gauges[sample.name] = sample.value
    return counted, gauges
