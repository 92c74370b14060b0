"""What a command imports before its first answer: every second of it is waited for."""

import subprocess
import sys

_HEAVY = ("torchvision", "torch._dynamo", "sympy", "sklearn", "scipy", "pandas")
_LOAD = """
import sys
import torch
from models.backbones import get_backbone
import models.loading
from models.networks import build_stages
with torch.device("meta"):
    build_stages(get_backbone("resnet50"))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_network_is_made_without_torchs_compiler_or_torchvision() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _LOAD, *_HEAVY], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == []
