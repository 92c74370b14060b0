"""Indexes loaded in the background of the event loop, and lent to requests."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from threading import Thread
from typing import TypeVar

from api.readiness import Readiness
from indexer.errors import UnfinishedIndexError
from models.errors import HueweaveError
from service.errors import NotLoadedError, UnknownIndexError
from service.indexes import Held, Indexes
from service.names import DEFAULT

log = logging.getLogger(__name__)
Result = TypeVar("Result")

# How often it is looked whether another process has switched an alias.
_LOOK_S = 0.5


class Loader:
    """Lends indexes; those that are not open yet are opened first, one at a time."""

    def __init__(self, indexes: Indexes) -> None:
        self.indexes = indexes
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def lent(self, name: str | None) -> AsyncIterator[Held]:
        """Lend the index called ``name`` (None: the default one) for as long as the body runs.

        Raises UnknownIndexError, NotLoadedError, and whatever opening raises.
        """
        held = self.indexes.take(name) or await self._opened(name)
        try:
            yield held
        finally:
            self.indexes.give_back(held)

    async def change(self, call: Callable[[], Result]) -> Result:
        """Return what ``call``, which may open indexes, returns; one call at a time."""
        async with self._one:
            return await in_background(call)

    async def keep_looking(self) -> None:
        """Follow what other processes do, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await in_background(self.indexes.look)
            except (HueweaveError, OSError) as error:
                log.error("%s", error)

    async def _opened(self, name: str | None) -> Held:
        while True:  # what was opened may have been left before it is taken
            async with self._one:
                if held := self.indexes.take(name):
                    return held
                try:
                    await in_background(lambda: self.indexes.load(name))
                except UnfinishedIndexError as error:
                    log.warning("%s", error)
                    raise NotLoadedError(
                        f"index {name or DEFAULT!r} is unfinished: its first build has not ended"
                    ) from error


@asynccontextmanager
async def kept_loaded(
    loader: Loader, readiness: Readiness, on_failure: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """Load the default index, and follow all of them, while the body runs; then close them.

    What goes wrong in the first loading is given to ``on_failure``.
    """
    indexes = loader.indexes
    if (held := indexes.take()) is not None:
        indexes.give_back(held)
    readiness.loaded, readiness.stopping = held is not None, False
    tasks = [asyncio.create_task(loader.keep_looking())]
    if held is None:
        tasks.append(asyncio.create_task(_load(loader, readiness, on_failure)))
    try:
        yield
    finally:
        readiness.stopping = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await in_background(indexes.close)


async def _load(
    loader: Loader, readiness: Readiness, on_failure: Callable[[BaseException], None]
) -> None:
    try:
        await loader.change(loader.indexes.load)
    except UnknownIndexError as error:  # each is asked for by its name
        log.warning("%s", error)
    except Exception as error:  # noqa: BLE001 - whatever it is, there is nothing to serve
        on_failure(error)
        return
    log.info("ready")
    readiness.loaded = True


def end_process(error: BaseException) -> None:
    """Say what went wrong and end the process as an operator would."""
    log.critical("%s", error, exc_info=None if isinstance(error, HueweaveError) else error)
    signal.raise_signal(signal.SIGTERM)


async def in_background(call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns, run in a thread that does not hold up the process's end.

    Whoever stops waiting does not stop it.
    """
    future: Future[Result] = Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)

    Thread(target=run, name="loading", daemon=True).start()
    return await asyncio.wrap_future(future)
