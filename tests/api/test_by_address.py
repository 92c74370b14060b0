"""Pictures by address over REST."""

from pathlib import Path

from indexer.local import LocalStore
from models.images import Limits
from service.opening import Opened
from service.search import Searcher
from service.settings import Settings
from tests.fakes import FakeExtractor
from tests.serving import serving

ADDRESS = "https://pictures.example/a.png"


def test_picture_by_address_finds_what_it_finds_as_a_part(
    fake_index: Path, pictures: Path, settings: Settings
) -> None:
    data = (pictures / "003.png").read_bytes()
    store = LocalStore(fake_index)
    searcher = Searcher(store, FakeExtractor(), Limits(), fetch={ADDRESS: data}.__getitem__)
    query = {"terms": [{"attribute": "color", "image": {"url": ADDRESS}}], "limit": 3}
    with serving(Opened(store, searcher, Limits()), settings) as client:
        answer = client.post("/v1/search", json=query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["hits"][0]["key"] == "003.png"


def test_addresses_are_refused_unless_hosts_are_listed(opened: Opened, settings: Settings) -> None:
    query = {"terms": [{"attribute": "color", "image": {"url": ADDRESS}}]}
    with serving(opened, settings) as client:
        answer = client.post("/v1/search", json=query)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:hueweave:picture")
    assert answer.json()["detail"] == (
        "terms[0].image.url: pictures by address are off: list the hosts to ask in the setting "
        "url_hosts"
    )
