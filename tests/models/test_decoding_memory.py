"""A picture of as many pixels as the limit costs at most 16 bytes for each of them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, features

SIDE = 3000
BYTES_PER_PIXEL = 16
SLACK = 24 << 20

MEASURE = """
import sys
from pathlib import Path
from models.images import Limits, decode

data = Path(sys.argv[1]).read_bytes()

def peak():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])

Path("/proc/self/clear_refs").write_text("5")
before = peak()
image = decode(data, Limits(max_pixels=int(sys.argv[2])))
print(peak() - before, *image.size)
"""

COSTLY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG progressive, turned": ("CMYK", "JPEG", {"progressive": True, "subsampling": 0}),
    "PNG transparent, turned": ("RGBA", "PNG", {}),
    "PNG palette": ("P", "PNG", {"transparency": bytes(range(256))}),
    "PNG deep grey": ("I;16", "PNG", {}),
    "WEBP": ("RGB", "WEBP", {"method": 0}),
    "WEBP transparent": ("RGBA", "WEBP", {"method": 0}),
    "AVIF transparent": ("RGBA", "AVIF", {"speed": 10, "subsampling": "4:4:4"}),
    "GIF": ("P", "GIF", {"transparency": 3}),
    "TIFF floats": ("F", "TIFF", {"compression": "tiff_adobe_deflate"}),
    "BMP": ("1", "BMP", {}),
}


@pytest.mark.parametrize("name", COSTLY)
def test_peak_keeps_to_the_bytes_a_pixel(name: str, tmp_path: Path) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux says what a process had at most")
    mode, kind, options = COSTLY[name]
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("Pillow is built without AVIF here")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = {"exif": exif} if "turned" in name else {}
    path = tmp_path / "picture"
    Image.new(mode, (SIDE, SIDE), 1 if mode == "1" else 0).save(path, kind, **options, **turned)
    command = [sys.executable, "-c", MEASURE, str(path), str(SIDE * SIDE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    added, width, height = map(int, done.stdout.split())
    assert (width, height) == (SIDE, SIDE)
    assert added <= BYTES_PER_PIXEL * SIDE * SIDE + SLACK
