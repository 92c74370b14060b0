"""An index deleted and made anew under a reader, and index types that FAISS would crash on."""

import shutil
from pathlib import Path

import pytest

from indexer.errors import IndexFolderError
from indexer.factory import IndexTypeError, check_index_type
from indexer.local import LocalStore
from tests.fakes import build_fake


def test_reader_of_an_index_that_was_replaced_says_so(fake_index: Path, pictures: Path) -> None:
    store = LocalStore(fake_index)
    store.view()
    kept = fake_index.with_name("kept")  # so that its inode is not given to the new file
    fake_index.rename(kept)
    build_fake(fake_index, pictures)
    with pytest.raises(IndexFolderError, match="was replaced by another"):
        store.view(newest=True)
    store.close()
    shutil.rmtree(kept)


@pytest.mark.parametrize("index_type", ["HNSW0", "HNSW1", "IVF0,Flat", "PCA9999,Flat"])
def test_types_that_faiss_takes_and_then_fails_on_are_refused(index_type: str) -> None:
    with pytest.raises(IndexTypeError, match=f"'{index_type}' has|'{index_type}' does not fit"):
        check_index_type(index_type, 64, "cosine")
