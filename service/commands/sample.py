"""`hueweave sample`: a labelled catalog of rendered fabrics."""

from pathlib import Path
from typing import Annotated

import typer

from service.commands.console import note, say


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the catalog goes.")],
    per_class: Annotated[
        int, typer.Option(help="Pictures of each color in each pattern.", show_default=True)
    ] = 4,
    seed: Annotated[int, typer.Option(help="The same seed renders the same pictures.")] = 0,
    size: Annotated[int, typer.Option(help="Side of a picture in pixels.")] = 256,
) -> None:
    """Render a labelled catalog of fabrics: 10 colors x 10 patterns, with labels.csv."""
    from models.errors import HueweaveError
    from service.fabrics import COLORS, PATTERNS, FabricError, write_catalog

    try:
        labels = write_catalog(folder, per_class=per_class, seed=seed, size=size)
    except FabricError as error:
        raise HueweaveError(str(error)) from error
    except OSError as error:
        raise HueweaveError(f"cannot write to {str(folder)!r}: {error.strerror}") from error
    count = len(COLORS) * len(PATTERNS) * per_class
    note(f"{count} pictures of {len(COLORS)} colors in {len(PATTERNS)} patterns")
    say(str(labels))
