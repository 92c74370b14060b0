"""A compiled graph of OpenVINO's, run picture by picture, several of them at once."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from models.extraction import Vectors
from models.threads import all_threads
from models.unobserved import load_openvino

Array = np.ndarray[Any, Any]


class Runner:
    """A compiled network with so many ``streams``, each on its share of the cores. Thread-safe.

    ``shares`` are what its outputs are multiplied by.
    """

    def __init__(self, model: Any, shares: Sequence[float], precision: str, streams: int) -> None:
        options = {
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(all_threads()),
            "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
        }
        self._shares = [np.float32(share) for share in shares]
        self._shapes = [tuple(output.shape)[1:] for output in model.outputs]
        self._model = load_openvino().Core().compile_model(model, "CPU", options)
        self._streams = streams
        # Requests that nobody uses now; appending and popping are atomic.
        self._idle: list[Any] = []

    def run(self, count: int, inputs: Iterable[Sequence[Array]]) -> list[Vectors]:
        """Return an array an output; row i of each is of the ``inputs`` i of ``count``."""
        found = [np.empty((count, *shape), np.float32) for shape in self._shapes]
        under_way: deque[tuple[int, Any]] = deque()
        with ExitStack() as held:
            for at, row in enumerate(inputs):
                if len(under_way) < self._streams:
                    request = held.enter_context(self._request())
                else:
                    request = self._finish(under_way, found)
                request.start_async(dict(enumerate(row)))
                under_way.append((at, request))
            while under_way:
                self._finish(under_way, found)
        return found

    def _finish(self, under_way: "deque[tuple[int, Any]]", found: list[Vectors]) -> Any:
        at, request = under_way.popleft()
        request.wait()
        for rows, tensor, share in zip(found, request.output_tensors, self._shares, strict=True):
            np.multiply(tensor.data[0], share, out=rows[at])
        return request

    @contextmanager
    def _request(self) -> Iterator[Any]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        try:
            yield request
        finally:
            request.wait()
            self._idle.append(request)
