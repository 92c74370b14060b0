"""The protocols, and that the local store fulfils them."""

import inspect
from pathlib import Path

import pytest

from indexer.local import LocalStore, LocalView, open_for_writing
from indexer.sources import open_source
from indexer.staging import Staging
from indexer.store import CatalogStore, Staged, View


def public(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


@pytest.mark.parametrize(
    ("protocol", "kind"), [(CatalogStore, LocalStore), (View, LocalView), (Staged, Staging)]
)
def test_methods_take_what_the_protocol_gives_them(protocol: type, kind: type) -> None:
    methods = [name for name in public(protocol) if callable(getattr(protocol, name))]
    assert methods
    for name in methods:
        asked = inspect.signature(getattr(protocol, name)).parameters
        taken = inspect.signature(getattr(kind, name)).parameters
        assert list(taken) == list(asked), name
        assert [p.kind for p in taken.values()] == [p.kind for p in asked.values()], name


def test_a_local_store_is_a_store_its_view_a_view_and_its_staging_staged(
    fake_index: Path, pictures: Path
) -> None:
    with open_for_writing(fake_index) as local:
        store: CatalogStore = local
        view: View = local.view()
        staged: Staged = local.stage(open_source(str(pictures)), retry=False, tick=lambda _: None)
        for protocol, one in ((CatalogStore, store), (View, view), (Staged, staged)):
            assert [name for name in public(protocol) if not hasattr(one, name)] == []
        assert staged.plan.unchanged == view.manifest.generation.slots == store.count()
