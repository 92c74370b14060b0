"""`hueweave serve` with a network that is none, so that requests cost little but the service's own
work: `python -m benchmarks.soak.server --index DIR`, with the command's own flags."""

import sys

import service.opening
from api.main import run
from indexer.manifest import Manifest
from tests.fakes import FakeExtractor


def _fake(manifest: Manifest, *_: object) -> FakeExtractor:
    return FakeExtractor()


if __name__ == "__main__":
    service.opening.pinned_extractor = _fake  # type: ignore[assignment]
    sys.exit(run(["serve", *sys.argv[1:]]))
