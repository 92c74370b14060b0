"""A network in eight-bit integers: OpenVINO runs it, as it was stored with the index."""

from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from models.compiled import CompiledExtractor
from models.errors import WeightsError
from models.precision import choose_device, choose_precision
from models.preprocess import Preprocess
from models.unobserved import load_openvino

XML, BIN = "network.xml", "network.bin"
_NEEDED = "this index is int8, which OpenVINO runs: `pip install openvino`"


def quantized_extractor(
    data: bytes, preprocess: Preprocess, precision: str = "auto"
) -> CompiledExtractor:
    """Return an extractor of the file that ``models.quantizing`` made, what is not in integers
    being in ``precision``; raises WeightsError for another file."""
    rest = choose_precision(precision, choose_device("cpu"))
    return CompiledExtractor(read_network(data), preprocess, rest, integers=True)


def read_network(data: bytes) -> Any:
    """Return the OpenVINO model in ``data``; raises WeightsError if there is none."""
    try:
        openvino = load_openvino()
    except ImportError as error:
        raise WeightsError(_NEEDED) from error
    try:
        with ZipFile(BytesIO(data)) as file:
            weights = np.frombuffer(file.read(BIN), np.uint8)
            return openvino.Core().read_model(file.read(XML), openvino.Tensor(weights))
    except (BadZipFile, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"the quantized network {sha256(data).hexdigest()} cannot be read: {error}"
        ) from error
