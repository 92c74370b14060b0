"""Making an int8 network: the same of the same pictures, and only where it can be made and run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import quantizing
from models.errors import PrecisionError, WeightsError
from models.loading import Loaded, Runtime, load_new
from models.preprocess import Preprocess
from models.quantizing import check_can_quantize, quantize

SMALL = Preprocess(size=32)


@pytest.fixture(scope="module")
def floats(small_weights: Path) -> Loaded:
    return load_new("resnet18", str(small_weights), (1, 2), SMALL, Runtime("cpu", "float32"))


def pictures(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)


def test_the_same_pictures_give_the_same_file_and_others_another(
    floats: Loaded, capfd: pytest.CaptureFixture[str]
) -> None:
    (one, data), (again, same), (other, _) = (quantize(floats, pictures(at)) for at in (0, 0, 1))
    assert data == same
    assert one.recipe == again.recipe
    assert one.recipe.quantized != other.recipe.quantized
    assert capfd.readouterr() == ("", ""), "nothing is said of it"


def test_int8_is_made_on_processors_only() -> None:
    check_can_quantize("auto")
    with pytest.raises(PrecisionError, match=r"not on cuda:1: use --device cpu"):
        check_can_quantize("cuda:1")


@pytest.mark.parametrize("lacking", ["nncf", "openvino"])
def test_what_is_lacking_is_named_before_any_work(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "find_spec", lambda name: name != lacking)
    with pytest.raises(WeightsError, match=r"OpenVINO and NNCF: `pip install 'hueweave\[int8\]'`"):
        check_can_quantize("cpu")


def test_only_a_network_of_floats_is_quantized(floats: Loaded) -> None:
    nothing: Any = None
    with pytest.raises(TypeError, match="no network of floats"):
        quantize(Loaded(floats.recipe, nothing), pictures(0))
