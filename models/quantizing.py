"""Making a network of eight-bit integers out of one of floats, calibrated on pictures.

Post-training quantization by NNCF: scales of activations from what pictures give, one scale a
channel of weights, biases corrected by what rounding shifts. Nothing is trained.
"""

from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from models.errors import WeightsError
from models.extractor import NetworkExtractor
from models.graph import convert
from models.loading import Loaded
from models.preprocess import Pixels
from models.quantized import BIN, XML, quantized_extractor
from models.recipe import check_runs_int8
from models.unobserved import load_nncf, load_openvino, quiet

CALIBRATION = 200
"""Pictures that tell what the activations span; more change next to nothing."""


def check_can_quantize(device: str) -> None:
    """Raise WeightsError, saying what to install, if there is no NNCF or no OpenVINO, and
    PrecisionError for a ``device`` that int8 does not run on."""
    check_runs_int8(device)
    if not all(map(find_spec, ("nncf", "openvino"))):
        raise WeightsError(
            "to make an int8 network takes OpenVINO and NNCF: `pip install 'hueweave[int8]'`"
        )


def quantize(loaded: Loaded, pixels: Pixels) -> tuple[Loaded, bytes]:
    """Return an int8 extractor like a float32 one, its recipe naming it, and the file it is from.

    ``pixels`` are (n, size, size, 3) squares of pictures to calibrate by.
    """
    if not isinstance(loaded.extractor, NetworkExtractor):
        raise TypeError(f"{loaded.extractor!r} is no network of floats")
    nncf = load_nncf()
    model = convert(loaded.extractor)
    rows = [one[None] for one in pixels]
    with quiet():
        made = nncf.quantize(model, nncf.Dataset(rows), subset_size=len(rows))
    data = _packed(made)
    recipe = replace(loaded.recipe, quantized=sha256(data).hexdigest())
    return Loaded(recipe, quantized_extractor(data, recipe.preprocess)), data


def _packed(model: Any) -> bytes:
    """Return a model as one file, the same for the same model: a ZIP of OpenVINO's two."""
    # Names count what the process has made before.
    model.set_friendly_name("network")
    for at, operation in enumerate(model.get_ordered_ops()):
        operation.set_friendly_name(str(at))
    file = BytesIO()
    with TemporaryDirectory() as name, ZipFile(file, "w", ZIP_STORED) as packed:
        path = Path(name) / XML
        load_openvino().save_model(model, path, compress_to_fp16=False)
        for part in (XML, BIN):
            packed.writestr(ZipInfo(part), path.with_name(part).read_bytes())
    return file.getvalue()
