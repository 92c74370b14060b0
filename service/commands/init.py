"""`hueweave init`: an empty index."""

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_download


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
) -> None:
    """Make an empty index, to be filled by `hueweave build`."""
    from indexer.creation import is_index
    from service.building import check_same_recipe, make_index
    from service.opening import index_folder

    settings = o.settings_of(context)
    folder = index_folder(settings)
    if is_index(folder):
        check_same_recipe(folder, settings)
        note("it is an index already; nothing was changed")
    else:
        with watch_download() as progress:
            make_index(folder, settings, warn, progress)
    say(str(folder))
