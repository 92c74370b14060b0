"""Many processes on one index: each writes whole, in turns, and nobody who reads waits for them."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from indexer.creation import create_index
from indexer.errors import IndexBusyError
from indexer.local import LocalStore
from service.verify import verify
from tests.fakes import manifest
from tests.indexer.batches import random_batch
from tests.indexer.contents import found

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
PROCESSES, EACH = 4, 25
ADDING = """
import sys
from pathlib import Path
from indexer.local import LocalStore
from tests.indexer.batches import random_batch
index, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = LocalStore(index, patience_s=60)
store.view()
sys.stdin.readline()
for number in range(count):
    (item,) = store.add(random_batch(store.manifest, [f"{name}/{number}"], seed=number))
    assert item.slot in store.view().slots
store.close()
"""
HOLDING = """
import sys
from pathlib import Path
from indexer.local import open_for_writing
with open_for_writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    create_index(tmp_path / "index", manifest())
    return tmp_path / "index"


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_processes_that_write_a_little_at_a_time_take_turns_and_lose_nothing(index: Path) -> None:
    writers = [start(ADDING, index, name, EACH) for name in range(PROCESSES)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    with closing(LocalStore(index)) as store:
        items = {item.key: item for item in store.items()}
        assert set(items) == {f"{n}/{at}" for n in range(PROCESSES) for at in range(EACH)}
        assert sorted(item.slot for item in items.values()) == [*range(PROCESSES * EACH)]
        assert found(store.view()) == [*range(PROCESSES * EACH)]
    # No pictures belong to these items; all else fits together.
    assert all("is gone" in line for line in verify(index))


def test_a_second_writer_is_refused_after_its_patience_and_a_reader_reads_on(index: Path) -> None:
    with closing(LocalStore(index, patience_s=0.05)) as store:
        store.add(random_batch(store.manifest, ["before"]))
        with start(HOLDING, index) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            message = rf"is being written by process {holder.pid} on .+: wait until it is done"
            with pytest.raises(IndexBusyError, match=message):
                store.add(random_batch(store.manifest, ["refused"]))
            with closing(LocalStore(index)) as reader:
                assert [item.key for item in reader.items()] == ["before"]
                assert found(reader.view()) == [0]
            holder.kill()
            holder.wait()
            store.add(random_batch(store.manifest, ["after"]))
        assert [item.key for item in store.items()] == ["after", "before"]
