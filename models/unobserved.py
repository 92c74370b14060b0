"""OpenVINO and NNCF, which say nothing here: neither to whoever reads the terminal nor to others.

Both report to Google Analytics that they are imported and what they are used for, by the package
``openvino_telemetry``. Both do without where it cannot be imported, so here it never can.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any

_TELEMETRY = "openvino_telemetry"


def load_openvino() -> Any:
    """Return the package ``openvino``; raises ImportError if it is not installed."""
    return _load("openvino")


def load_nncf() -> Any:
    """Return the package ``nncf``; raises ImportError if it is not installed."""
    with quiet():
        return _load("nncf")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep from the terminal what NNCF, and torch as it is used by it, have to say: bars of
    progress, a missing compiler for CUDA, ways of tracing that will be gone one day."""
    loggers = [logging.getLogger(name) for name in ("nncf", "torch.utils.cpp_extension")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _load(name: str) -> Any:
    # What stands as None in `sys.modules` cannot be imported. If whoever uses this as a library has
    # imported it already, they have had their say.
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]
    return import_module(name)
