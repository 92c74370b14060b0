"""`hueweave evaluate`: which block separates an attribute, measured on labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import options as o
from service.commands.console import note, say, warn, watch_build, watch_download, watch_steps
from service.commands.evaluate_tables import print_bound, print_evaluation

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from indexer.watching import Watcher
    from models.download import Progress
    from service.evaluation.sources import Material
    from service.settings import Settings


def evaluate(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A folder, a list of paths, a CSV or Parquet file."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option("--index", help="An index to measure instead.", metavar="DIR"),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A CSV or Parquet file, or a list of paths with a label each."),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(help="The label columns to measure, with commas.", metavar="NAME,NAME,…"),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="paper, l2, centred, foreground, whitened; may be given several times."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of resamples and samples.")] = 0,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write JSON; - for stdout.", metavar="FILE")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write an HTML report.", metavar="FILE")
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option("--apply", help="Bind the attributes in this index.", metavar="INDEX"),
    ] = None,
    backbone: o.Backbone = None,
    weights: o.Weights = None,
    weights_mirror: o.WeightsMirror = None,
    blocks: o.Blocks = None,
    device: o.Device = None,
    precision: o.Precision = None,
    batch_size: o.BatchSize = None,
    threads: o.Threads = None,
    max_bytes: o.MaxBytes = None,
    max_pixels: o.MaxPixels = None,
) -> None:
    """Measure how well each block tells the classes of labels apart, against floors."""
    from service.evaluation.binding import apply as bind
    from service.evaluation.binding import check_target
    from service.evaluation.candidates import check_recipes
    from service.evaluation.evaluating import Options, Subject, limited
    from service.evaluation.evaluating import evaluate as measure
    from service.evaluation.report import check_can_report, write_report
    from service.evaluation.sources import check_one_given, labels_of

    settings = o.settings_of(context)
    check_one_given(source, index if source else settings.index)
    options = Options(check_recipes(recipe or ()), seed)
    if report is not None:
        check_can_report(report)
    if apply is not None:
        check_target(apply)
    names = tuple(name.strip() for name in (attributes or "").split(",") if name.strip())
    with watch_build() as watcher, watch_download() as progress:
        opened = _material(source, settings, watcher, progress)
        with opened as material:
            described, labelled = labels_of(material, labels, names)
            labelled = limited(labelled, seed)
            floors = material.floors(labelled, note)
            subject = Subject(material.store, labelled, floors)
            with watch_steps("measuring spaces") as tick:
                found = measure(subject, material.name, described, options, tick)
            for line in found.notes:
                note(line)
            print_evaluation(found) if str(json) != "-" else None
            if json is not None:
                _write_json(json, found.to_document())
            if report is not None:
                with watch_steps("drawing maps") as tick:
                    write_report(report, subject, found, settings, tick)
                note(f"report: {report}")
            measured = material.store.manifest
        if apply is not None:
            print_bound(bind(found, measured, apply, settings, progress), str(json) == "-")


def _material(
    source: str | None, settings: "Settings", watcher: "Watcher", progress: "Progress"
) -> "AbstractContextManager[Material]":
    from service.evaluation.sources import open_index_material, open_source_material

    if source is None:
        return open_index_material(settings)
    return open_source_material(source, settings, watcher, warn, progress)


def _write_json(path: Path, document: dict[str, object]) -> None:
    import json

    from service.evaluation.labels import LabelError

    text = json.dumps(document, indent=2, ensure_ascii=False)
    if str(path) == "-":
        say(text)
        return
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise LabelError(f"cannot write {str(path)!r}: {error.strerror}") from error
