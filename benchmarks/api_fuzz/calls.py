"""Generated requests to one operation after the other, each answer held against the document."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import unquote

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from benchmarks.api_fuzz.material import Dice
from benchmarks.api_fuzz.sending import mend
from benchmarks.api_fuzz.world import World
from service.bulk import LINES
from service.keys import SCOPES

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_SECONDS = 30
_CAREFUL = 3
Operation = schemathesis.APIOperation[Any, Any, Any, Any]

# What stands for a body of lines where nothing is mended.
schemathesis.openapi.media_type(LINES, st.binary(max_size=64))


@dataclass
class Seen:
    """How often each operation gave each status, and what was wrong, one example of each kind."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    def of(self, label: str, first_digit: int) -> int:
        """How many answers of an operation had a status of 2xx, say."""
        return sum(
            count
            for (one, status), count in self.statuses.items()
            if one == label and status // 100 == first_digit
        )


def operations(world: World) -> Iterator[Operation]:
    """Yield the operations of a server's OpenAPI document."""
    config = schemathesis.Config()
    schema = schemathesis.openapi.from_dict(world.document, config=config)
    # Wrong keys are made up where none is sent; else they would replace the one that is.
    schema.config.generation.update(with_security_parameters=world.access == "none")
    for found in schema.get_all_operations():
        yield found.ok()


def send_all(
    world: World,
    examples: int,
    number: int,
    seen: Seen,
    *,
    boundaries: bool = False,
    only: str | None = None,
) -> None:
    """Send ``examples`` requests to each operation, or ``only`` one, and half as many that break
    its schema.

    With ``boundaries`` also as many of each sort that probe every keyword of the schema, and every
    method that the document does not have.
    """
    with requests.Session() as session:
        for operation in operations(world):
            if only not in (None, operation.label):
                continue
            sender = _Sender(world, operation, seen, session, Dice(f"{number} {operation.label}"))
            sender.send(GenerationMode.POSITIVE, examples, number)
            if _can_be_broken(operation):
                sender.send(GenerationMode.NEGATIVE, examples // 2, number)
            if boundaries:
                sender.send_boundaries(examples)
            if operation.method.upper() != "GET":
                world.mend()


def _can_be_broken(operation: Operation) -> bool:
    """Return whether a request can break the schema: any text is a key or a name."""
    return bool(operation.body or operation.query or "{alias}" in operation.path)


@dataclass(frozen=True)
class _Sender:
    """Sends requests to one operation. ``random`` is not Hypothesis's, which is partial to zero."""

    world: World
    operation: Operation
    seen: Seen
    session: requests.Session
    random: Dice

    def send(self, mode: GenerationMode, examples: int, number: int) -> None:
        """Send so many generated requests, the first of them such as are sure to be answered."""
        sent = 0

        @seed(number)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self.operation.as_strategy(generation_mode=mode))
        def run(case: Case) -> None:
            nonlocal sent
            sent += 1
            if mode.is_positive:
                self.random.careful = sent <= _CAREFUL
                mend(case, self.random, self.world.pool)
                if case.method == "DELETE" and not self.random.seldom(0.2):
                    self.world.restore(case.path_parameters)
            # What is wrong with a form's values may be gone once they are written as text.
            strict = mode.is_negative and case.media_type != "multipart/form-data"
            self._send_one(case, [*CHECKS, negative_data_rejection] if strict else CHECKS)

        run()

    def send_boundaries(self, most: int) -> None:
        """Send up to ``most`` of the requests of each sort that the schema's keywords suggest."""
        schema = self.operation.schema
        checks = [*CHECKS, allow_header_conformance]
        if self.world.access in ("open", "admin"):  # others do not learn which methods there are
            checks.append(unsupported_method)
        for mode in GenerationMode:
            cases = schema.iter_coverage_cases(
                self.operation,
                generation_modes=[mode],
                generation_config=schema.config.generation,
            )
            for case in islice(cases, most):
                self._send_one(case, checks)

    def _send_one(self, case: Case, checks: list[CheckFunction]) -> None:
        headers, label = self.world.headers, self.operation.label
        try:
            answer = case.call(
                str(self.world.admin.base_url),
                self.session,
                headers=headers,
                timeout=_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            self._note(f"{type(error).__name__}", f"{error}\n{case!r}")
            return
        self.seen.statuses[label, answer.status_code] += 1
        try:
            case.validate_response(answer, checks)
        except FailureGroup as group:
            request = case.as_curl_command(headers)
            for failure in group.exceptions:
                title = getattr(failure, "title", type(failure).__name__)
                text = f"{failure}\n{request[:2000]}\n{answer.text[:500]}"
                self._note(f"{answer.status_code}, {title}", text)
        if case.method.upper() != self.operation.method.upper():
            return
        refusals = {401, 403, 421} | ({400} if "Host" in case.headers else set())
        if answer.status_code not in refusals and not may(self.world, case):
            self._note(f"{answer.status_code} without the right", repr(case))
        if answer.status_code == 401 and may(self.world, case):
            self._note("401 with the right", repr(case))

    def _note(self, what: str, text: str) -> None:
        self.seen.failures.setdefault(f"{self.operation.label}: {what}", text)


def is_enough(world: World, operation: Operation) -> bool:
    """Return whether the document lets the world's key, or its lack, pass."""
    asked = operation.definition.raw.get("security")
    if not asked:
        return True
    needed = next(one["key"][0] for one in asked if "key" in one)
    return world.access in SCOPES and SCOPES.index(world.access) >= SCOPES.index(needed)


def may(world: World, case: Case) -> bool:
    """Return whether the document lets a request pass, by key or by a signed address."""
    signed = world.pool.signed.get(case.path.removeprefix("/v1"), ())
    key = unquote(str(case.path_parameters.get("key")))
    return is_enough(world, case.operation) or any(
        one == key and query.items() <= case.query.items() for one, query in signed
    )
