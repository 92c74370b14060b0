"""Flags that several commands share. A flag left out falls to HUEWEAVE_* and the TOML file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from service.settings import Settings


def given(context: typer.Context) -> set[str]:
    """Return the names of the arguments and flags that the command line has."""
    return {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }


def settings_of(context: typer.Context) -> "Settings":
    """Return the settings of a command: each of its parameters that is named like a setting
    counts as a flag. Raises SettingsError."""
    from service.settings import Settings, load_settings

    flags = {name: value for name, value in context.params.items() if name in Settings.model_fields}
    return load_settings(**flags)


Index = Annotated[
    str | None, typer.Option("--index", help="The index folder.", metavar="DIR", show_default=False)
]
Root = Annotated[
    str | None, typer.Option(help="A folder of index folders.", metavar="DIR", show_default=False)
]
Backbone = Annotated[
    str | None,
    typer.Option(help="Network of a new index: auto, resnet50, efficientnet_lite0, …"),
]
Weights = Annotated[
    str | None,
    typer.Option(help="A torchvision weights name, a file, or packaged.", metavar="NAME|FILE"),
]
WeightsMirror = Annotated[
    str | None, typer.Option(help="Address that serves the published weight files.", metavar="URL")
]
Preset = Annotated[str | None, typer.Option(help="Preset of a new index: default or paper.")]
Blocks = Annotated[
    str | None,
    typer.Option(help="Blocks a new index stores: auto, or such as 1-4.", metavar="LIST"),
]
Metric = Annotated[str | None, typer.Option(help="Metric of a new index: cosine or l2.")]
IndexType = Annotated[
    str | None,
    typer.Option(help="FAISS factory string of a new index, or auto.", metavar="FACTORY"),
]
Profile = Annotated[
    str | None, typer.Option(help="What an index of type auto is to be: small or fast.")
]
Recall = Annotated[
    float | None,
    typer.Option(help="Share of the nearest that an index of type auto is tuned to find."),
]
Reduce = Annotated[
    str | None,
    typer.Option(help="Keep so many numbers of each attribute in a new index.", metavar="pca:N"),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Precision = Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or int8.")]
BatchSize = Annotated[int | None, typer.Option(help="Pictures a batch.")]
Threads = Annotated[int | None, typer.Option(help="Decoding threads.")]
MaxBytes = Annotated[int | None, typer.Option(help="Most bytes of one picture.")]
MaxPixels = Annotated[int | None, typer.Option(help="Most pixels of one picture.")]
Attribute = Annotated[
    str | None, typer.Option("--attribute", "-a", help="An attribute: color, texture, …")
]
Block = Annotated[int | None, typer.Option(help="A block instead of an attribute.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Path, typer.Argument(help="The file to write.", show_default=False)]
