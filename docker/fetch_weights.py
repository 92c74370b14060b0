"""Put a backbone's default weights where torch keeps its own, while an image is built."""

import os
import sys
from pathlib import Path

from models.backbones import get_backbone
from models.errors import HueweaveError
from models.weights import find_weights


def main() -> str | int:
    """Fetch the weights of the backbone named first, from the mirror named second, if any."""
    name, mirror = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    # There in any case, so that the image can copy it; packaged weights need nothing in it.
    Path(os.environ["TORCH_HOME"]).mkdir(parents=True, exist_ok=True)
    try:
        found = find_weights(get_backbone(name), mirror=mirror or None)
    except HueweaveError as error:
        return f"error: {error}"
    sys.stdout.write(f"weights {found.name} of {name}: {found.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
