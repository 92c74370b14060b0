"""Changes to a running server's index, over `POST /v1/bulk`."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ValidationError

from service.adding import Changed
from service.bulk import LINES, Change, line_of
from service.editing import Result
from service.remote import RemoteError, RemoteIndex, open_remote
from service.settings import Settings

# Statuses that say something about one item; any other is the server's own and meets all of them.
_OF_ONE_ITEM = frozenset({404, 413, 422})


class _Status(BaseModel):
    line: int
    key: str | None = None
    status: int
    result: Result | None = None
    detail: str | None = None


class RemoteChanger:
    """Implements ``Changer`` on a server."""

    def __init__(self, remote: RemoteIndex) -> None:
        self._remote = remote

    def change(self, changes: Sequence[Change]) -> list[Changed]:
        """Make changes; raises RemoteError for what the server cannot, or will not do."""
        body = self._lines(changes)
        answer = self._remote.post_lines("/bulk", body, LINES)
        try:
            found = [_Status.model_validate_json(line) for line in answer.splitlines()]
        except ValidationError as error:
            raise self._remote.stranger() from error
        if broken := [one for one in found if not _is_of_one_item(one)]:
            raise RemoteError(broken[0].detail or f"the server answered {broken[0].status}")
        if len(found) != len(changes):
            raise RemoteError(
                f"the server answered {len(found)} of {len(changes)} changes: what of them was "
                "made is not known, run the same command again"
            )
        return [
            Changed(change.key, one.result, one.detail, unknown=one.status == 404)
            for change, one in zip(changes, found, strict=True)
        ]

    def count(self) -> int:
        """Return how many items there are."""
        return self._remote.info().items

    def close(self) -> None:
        """Close the connection."""
        self._remote.close()

    def _lines(self, changes: Sequence[Change]) -> Iterator[bytes]:
        yield from map(line_of, changes)


def open_remote_changer(settings: Settings) -> RemoteChanger:
    """Return the server that the setting ``index`` names; see ``open_remote``."""
    return RemoteChanger(open_remote(settings))


def _is_of_one_item(status: _Status) -> bool:
    return status.result is not None or (
        status.status in _OF_ONE_ITEM and status.detail is not None
    )
