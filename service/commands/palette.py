"""`hueweave palette`: the dominant colors of pictures."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import fail, say

if TYPE_CHECKING:
    from service.palette import Palette


def palette(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE…", help="Pictures to look at.")],
    colors: Annotated[int, typer.Option(min=1, max=8, help="Most colors a picture.")] = 5,
    as_json: o.AsJson = False,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
) -> None:
    """Show the dominant colors of IMAGE: share of the foreground, hex value, name."""
    import json
    from pathlib import Path

    from models.errors import PictureError
    from models.images import read_picture
    from models.preprocess import Preprocess
    from service.opening import limits
    from service.palette import extract_palette

    allowed, failed = limits(o.settings_of(context)), False
    for image in images:
        try:
            data = read_picture(Path(image), allowed)
            found = extract_palette(data, allowed, Preprocess(), colors)
        except PictureError as error:
            fail(f"{image}: {error}")
            failed = True
            continue
        if as_json:
            say(json.dumps({"image": image, **found.model_dump()}, ensure_ascii=False))
        else:
            _print(image, found)
    if failed:
        raise typer.Exit(2)


def _print(image: str, found: "Palette") -> None:
    say(image)
    for one in found.colors:
        say(f"  {one.rank:3}  {one.weight:6.1%}  {one.hex}  {one.name}")
