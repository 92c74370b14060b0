"""OKLab, the perceptual color space in which colors are compared, named and jittered.

B. Ottosson, *A perceptual color space for image processing*, 2020.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LMS_TO_RGB = np.linalg.inv(_RGB_TO_LMS)
_LAB_TO_LMS = np.linalg.inv(_LMS_TO_LAB)


def decode_srgb(encoded: npt.ArrayLike) -> Array:
    """Linear light 0..1 for sRGB values 0..255; any shape."""
    value = np.asarray(encoded, dtype=np.float32) / np.float32(255)
    linear: Array = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def encode_srgb(linear: Array) -> Array:
    """sRGB values 0..255 (not rounded) for linear light; out-of-range light is clipped."""
    light = np.clip(linear, 0, 1)
    curve = np.power(light, np.float32(1 / 2.4)) * np.float32(1.055) - np.float32(0.055)
    encoded: Array = np.where(light <= 0.0031308, light * np.float32(12.92), curve)
    encoded *= np.float32(255)
    return encoded


def lab_from_linear(linear: npt.ArrayLike) -> Array:
    """OKLab (..., 3) for linear RGB (..., 3) in 0..1."""
    lab: Array = np.cbrt(np.asarray(linear) @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T
    return lab.astype(np.float32)


def linear_from_lab(lab: npt.ArrayLike) -> Array:
    """Linear RGB (..., 3) for OKLab (..., 3), clipped to 0..1."""
    linear: Array = (np.asarray(lab) @ _LAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T
    return np.clip(linear, 0, 1).astype(np.float32)
