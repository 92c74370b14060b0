"""`hueweave train`: labelled pictures into weights that an index can be built with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_download

if TYPE_CHECKING:
    from service.training.running import TrainingReport

_OPTIONS = (
    *("epochs", "optimizer", "rate", "momentum", "nesterov", "weight_decay", "warmup"),
    *("smoothing", "balanced", "freeze", "patience", "size", "crop", "flip", "jitter", "seed"),
)


def train(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(help="The weights file to write (.safetensors).", metavar="FILE"),
    ],
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A folder, a list of paths, a CSV or Parquet file."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A table or two-column list; else columns of SOURCE, or its folders.",
            metavar="FILE",
        ),
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="Which column of labels, if there are several.")
    ] = None,
    backbone: o.Backbone = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    depth: Annotated[
        int | None, typer.Option(help="Layers of --backbone preact: even, 10 or more. [18]")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Channels of its first stage. [64]")] = None,
    se: Annotated[
        bool, typer.Option("--se", help="Give its blocks squeeze-and-excitation.")
    ] = False,
    freeze: Annotated[
        int, typer.Option(min=0, max=4, help="Leave this many blocks as they are.")
    ] = 0,
    epochs: Annotated[int, typer.Option(min=1, max=10_000, help="Times through it all.")] = 30,
    optimizer: Annotated[str, typer.Option(help="sgd or adamw.")] = "sgd",
    rate: Annotated[
        float | None, typer.Option(help="Highest learning rate; left out, what suits the start.")
    ] = None,
    momentum: Annotated[float, typer.Option(min=0, max=0.999, help="Momentum of sgd.")] = 0.9,
    nesterov: Annotated[bool, typer.Option(help="Nesterov momentum.")] = True,
    weight_decay: Annotated[
        float | None, typer.Option(min=0, help="Decay of weights; left out, by optimizer.")
    ] = None,
    warmup: Annotated[float, typer.Option(min=0, help="Epochs of a rising learning rate.")] = 1.0,
    smoothing: Annotated[float, typer.Option(min=0, max=0.9, help="Label smoothing.")] = 0.1,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Draw all classes equally often.")
    ] = False,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many epochs without a better one; 0: never.")
    ] = 10,
    validation: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of each class kept aside to judge by.")
    ] = 0.2,
    size: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Side of a picture in pixels. [224]")
    ] = None,
    crop: Annotated[
        float | None, typer.Option(min=0.05, max=1, help="Least share of a picture seen. [0.5]")
    ] = None,
    flip: Annotated[bool | None, typer.Option("--flip/--no-flip", help="Mirror half.")] = None,
    jitter: Annotated[
        float | None, typer.Option(min=0, max=0.9, help="Vary light and contrast by this. [0.1]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the weights and the order.")] = 0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew though there is a checkpoint.")
    ] = False,
    as_json: o.AsJson = False,
    device: o.Device = None,
    precision: o.Precision = None,
    batch_size: o.BatchSize = None,
    threads: o.Threads = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
) -> None:
    """Train a network to tell labelled pictures apart; stopped, it goes on where it was."""
    from service.commands.training_progress import watch_training
    from service.training.planning import TrainingCall
    from service.training.running import checkpoint_of, train_backbone

    settings = o.settings_of(context)
    call = TrainingCall(
        output=output,
        labels=labels,
        attribute=attribute,
        shape={"depth": depth, "width": width, "se": se or None},
        options={name: context.params[name] for name in _OPTIONS},
        validation=validation,
        restart=restart,
    )
    try:
        with watch_training() as watcher, watch_download() as progress:
            report = train_backbone(source, call, settings, watcher, warn, progress)
    except KeyboardInterrupt as stopped:
        kept = checkpoint_of(output)
        if kept.is_file():
            note("stopped; run the same command again to go on from the last whole epoch, which "
                 f"is in {kept}")  # fmt: skip
        else:
            note("stopped before the first epoch was over; nothing is kept")
        raise typer.Exit(130) from stopped
    if as_json:
        import json

        say(json.dumps(_document(report), ensure_ascii=False, indent=2))
    else:
        _print(report)


def _print(report: "TrainingReport") -> None:
    trained = report.trained
    judged = trained.judgement
    if judged is not None:
        width = max(len("class"), *(len(name) for name in report.classes))
        say(f"{'class':{width}}  pictures  accuracy  most taken for")
        for one in judged.per_class:
            accuracy = f"{one.accuracy:8.3f}" if one.pictures else f"{'-':>8}"
            other = f"{one.taken_for} ({one.taken})" if one.taken_for is not None else ""
            say(f"{one.name:{width}}  {one.pictures:8}  {accuracy}  {other}".rstrip())
        say(f"{'all':{width}}  {judged.pictures:8}  {judged.accuracy:8.3f}")
    say(f"weights of epoch {trained.epoch} of {trained.epochs}, {report.backbone}: {report.output}")


def _document(report: "TrainingReport") -> dict[str, Any]:
    trained = report.trained
    judged = trained.judgement
    return {
        "weights": str(report.output),
        "backbone": report.backbone,
        "epoch": trained.epoch,
        "epochs": trained.epochs,
        "unreadable": report.unreadable,
        "classes": list(report.classes),
        "validation": None
        if judged is None
        else {
            "pictures": judged.pictures,
            "accuracy": judged.accuracy,
            "loss": judged.loss,
            "confusion": judged.confusion.tolist(),
        },
    }
