"""Many changes in one request: lines of JSON in, a line of JSON for each of them out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from api.dependencies import STREAMED, Config, Index, Work
from api.forms import media_type
from api.inbox import Inbox, Line, split_lines
from api.outbox import Outbox
from api.problems import declare, describe
from service.bulk import LINES, Outcome, apply, read_changes
from service.editing import Done
from service.errors import LineError

router = APIRouter()

# What a line has beside a picture in base64.
_REST_OF_LINE = 64 * 1024 + 4096
_STATUS = {"created": 201, "replaced": 200, "patched": 200, "unchanged": 200, "removed": 204}
_EXAMPLE = (
    '{"put": {"key": "a.jpg", "base64": "/9j/4AAQ…", "metadata": {"price": 20}}}\n'
    '{"patch": {"key": "b.jpg", "metadata": {"price": 18, "season": null}}}\n'
    '{"delete": {"key": "c.jpg"}}\n'
)
_ANSWER = (
    '{"line": 1, "key": "a.jpg", "status": 201, "result": "created"}\n'
    '{"line": 2, "key": "b.jpg", "status": 200, "result": "patched"}\n'
    '{"line": 3, "key": "c.jpg", "status": 404, "detail": "no item has the key \'c.jpg\'"}\n'
)
_TEXT = {"type": "string"}
Run = Callable[[Sequence[Line]], Awaitable[list[Outcome]]]


class LineStatus(BaseModel):
    """What became of a line."""

    line: int
    key: str | None = None
    status: int
    result: Literal["created", "replaced", "patched", "unchanged", "removed"] | None = None
    detail: str | None = None

    def to_line(self) -> bytes:
        """Return it as a line of JSON."""
        return self.model_dump_json(exclude_none=True).encode() + b"\n"


@router.post(
    "/bulk",
    summary="Change many items",
    dependencies=[STREAMED],
    response_class=Response,
    responses={
        200: {
            "description": "A line for each line, in order",
            "content": {LINES: {"schema": _TEXT, "example": _ANSWER}},
        },
        **declare(408, 415),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {LINES: {"schema": _TEXT, "example": _EXAMPLE}},
        }
    },
)
async def bulk(request: Request, index: Index, config: Config, work: Work) -> Response:
    """Put, patch and delete items: one change a line, in `put`, `patch` or `delete`.

    Answers come while lines are still being sent, each once its change is durable. What fails is
    said in its own line and the others go on. Changes of one item are made in their order.
    """
    if media_type(request) != LINES:
        given = media_type(request)
        raise HTTPException(415, f"content type {given!r}: expected {LINES}")
    editor, fetch = index.editor, index.searcher.fetch

    def change(lines: Sequence[Line]) -> list[Outcome]:
        return apply(editor, read_changes([line.text or b"" for line in lines], fetch))

    async def run(lines: Sequence[Line]) -> list[Outcome]:
        return await work.run(lambda: change(lines), patient=True)

    most = config.max_bytes * 4 // 3 + _REST_OF_LINE
    readiness = request.app.state.readiness
    return BulkResponse(run, config.batch_size, most, lambda: readiness.stopping)


class BulkResponse(Response):
    """Reads the request's body while it answers, so neither of the two can hold up the other."""

    media_type = LINES

    def __init__(self, run: Run, batch: int, longest: int, stopping: Callable[[], bool]) -> None:
        """``run`` makes the changes of up to ``batch`` lines of at most ``longest`` bytes."""
        super().__init__()
        del self.headers["content-length"]
        self._run, self._batch, self._longest = run, batch, longest
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()  # before the answer begins: it may be refused
        await send(
            {"type": "http.response.start", "status": 200, "headers": self.raw_headers},
        )
        inbox = Inbox(self._batch, self._longest)
        with closing(Outbox()) as outbox:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(_chunks(first, receive), inbox))
                tasks.create_task(self._work(inbox, outbox, reading))
                while data := await outbox.read():
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read(self, chunks: AsyncIterator[bytes], inbox: Inbox) -> LineStatus | None:
        """Put all lines into ``inbox``; return what is to be said if they broke off."""
        number = 0
        try:
            async for line in split_lines(chunks, self._longest):
                number = line.number
                await inbox.put(line)
        except ClientDisconnect:
            await inbox.end(drop=True)
        except HTTPException as error:  # nothing came for too long
            await inbox.end()
            return LineStatus(line=number + 1, status=error.status_code, detail=error.detail)
        else:
            await inbox.end()
        return None

    async def _work(
        self, inbox: Inbox, outbox: Outbox, reading: "asyncio.Task[LineStatus | None]"
    ) -> None:
        """Make the changes of lines as they come, and say what became of them."""
        last = None
        while lines := await inbox.take():
            if self._stopping():
                reading.cancel()
                detail = "the server is stopping"
                last = LineStatus(line=lines[0].number, status=503, detail=detail)
                break
            whole = [line for line in lines if line.text is not None]
            outcomes = dict(zip(whole, await self._run(whole), strict=True)) if whole else {}
            for line in lines:
                outbox.write(self._status(line, outcomes.get(line)).to_line())
        else:
            last = await reading
        if last is not None:
            outbox.write(last.to_line())
        outbox.end()

    def _status(self, line: Line, outcome: Outcome | None) -> LineStatus:
        if outcome is None:
            detail = f"the line is too long, the limit is {self._longest:,} bytes"
            return LineStatus(line=line.number, status=413, detail=detail)
        if isinstance(outcome, Done):
            status, result = _STATUS[outcome.result], outcome.result
            return LineStatus(line=line.number, key=outcome.key, status=status, result=result)
        status, detail = describe(outcome.error)
        if isinstance(outcome.error, LineError):
            detail = f"line {line.number}: {detail}"
        return LineStatus(line=line.number, key=outcome.key, status=status, detail=detail)


async def _chunks(first: Message, receive: Receive) -> AsyncIterator[bytes]:
    """Yield the parts of a body whose first message was received; raises ClientDisconnect."""
    message = first
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
        message = await receive()
