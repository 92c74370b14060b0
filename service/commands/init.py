"""`hueweave init`: an empty index."""

from typing import TYPE_CHECKING

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_download

if TYPE_CHECKING:
    from service.settings import Settings

_ALREADY = "it is an index already; nothing was changed"


def init(
    context: typer.Context,
    index: o.Index = None,
    backbone: o.Backbone = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    preset: o.Preset = None,
    blocks: o.Blocks = None,
    metric: o.Metric = None,
    index_type: o.IndexType = None,
    profile: o.Profile = None,
    recall: o.Recall = None,
    reduce: o.Reduce = None,
) -> None:
    """Make an empty index, in a folder or behind a server, to be filled by `hueweave add` or
    `hueweave build`."""
    from indexer.creation import is_index
    from service.building import check_same_recipe, make_index
    from service.errors import SettingsError
    from service.opening import index_folder
    from service.remote import is_remote

    settings = o.settings_of(context)
    if settings.index and is_remote(settings.index):
        if weights or weights_mirror:
            raise SettingsError(
                "a server takes weights from its own settings: leave out --weights and "
                "--weights-mirror"
            )
        _init_remote(settings)
        return
    folder = index_folder(settings)
    if is_index(folder):
        check_same_recipe(folder, settings)
        note(_ALREADY)
    else:
        with watch_download() as progress:
            make_index(folder, settings, warn, progress)
    say(str(folder))


def _init_remote(settings: "Settings") -> None:
    """Let a server make the index that the setting ``index`` names."""
    from contextlib import closing

    from models.backbones import AUTO
    from service.new_index import NewIndex
    from service.remote import open_remote

    # What nobody asked for here is the server's to choose.
    asked = settings.model_dump(include=settings.model_fields_set & NewIndex.model_fields.keys())
    with closing(open_remote(settings)) as remote:
        made, new = remote.make(asked)
    if not new:
        note(_ALREADY)
    elif asked.get("backbone", AUTO) == AUTO:
        note(f"its backbone is {made.backbone}")
    say(str(settings.index))
