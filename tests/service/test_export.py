"""Export against the catalog it comes from."""

from pathlib import Path

import numpy as np
import pytest

from models.errors import BlockError, UnknownNameError
from models.extraction import PoolName
from service.export import export_attribute, export_block, write_npz
from service.opening import Opened


def test_raw_pools_come_out_in_order_of_key(opened: Opened) -> None:
    keys, embeddings = export_block(opened.store, 2, "foreground")
    assert list(keys) == [f"{n:03}.png" for n in range(20)]
    item = opened.store.item("013.png")
    assert item is not None
    name = PoolName(2, "foreground")
    expected = opened.store.pools(np.array([item.slot]), [name])[name][0]
    np.testing.assert_array_equal(embeddings[13], expected)


def test_attribute_vectors_are_unit_and_centred(opened: Opened) -> None:
    _, embeddings = export_attribute(opened.store, "texture")
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
    assert embeddings.dtype == np.float32


def test_archive_has_text_keys_and_float32_under_the_name_given(
    opened: Opened, tmp_path: Path
) -> None:
    write_npz(tmp_path / "out.data", export_block(opened.store, 1, "gap"))
    with np.load(tmp_path / "out.data", allow_pickle=False) as found:
        assert set(found.files) == {"keys", "embeddings"}
        assert found["keys"].dtype.kind == "U"
        assert found["embeddings"].dtype == np.float32


def test_what_is_not_stored_is_named(opened: Opened) -> None:
    with pytest.raises(BlockError, match="pool 5-gap is not in this index"):
        export_block(opened.store, 5, "gap")
    with pytest.raises(UnknownNameError, match="'shape'"):
        export_attribute(opened.store, "shape")
