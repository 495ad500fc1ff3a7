"""The API keeps to its own description, whatever is sent: schemathesis makes the requests, a real process answers."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from faults.process import Process, ports

EXAMPLES = int(os.environ.get("DESKBELL_TEST_REQUESTS", "6"))
"""Requests per operation."""
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
HANGS = ("/stream", "/wait")
"""Operations that answer for as long as the caller listens."""


async def made_ids(process: Process) -> dict[str, str]:
    """An id of each kind that paths name, by the word before it."""
    client = process.client
    found = {}
    for noun, path, body in (
        ("webhooks", "/webhooks", {"description": "a", "receiverUrl": f"http://127.0.0.1:{process.port}/bin/none"}),
        ("bins", "/inspector/bins", {}),
        ("companies", "/desk/companies", {"name": "Acme"}),
        ("contacts", "/desk/contacts", {"name": "Ann"}),
        ("agents", "/desk/agents", {"name": "Bo"}),
    ):
        answer = await client.call("POST", "/api/v1" + path, body)
        found[noun] = answer.json.get("id") or answer.json.get("entity_id") or ""
    answer = await client.call("POST", "/api/v1/events/trigger", {"type": "chat.missed"})
    found["events"] = answer.json["id"]
    return found


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A fresh install, served by a process of its own."""
    folder = tmp_path_factory.mktemp("described")
    found = Process(data=folder / "data", port=ports())
    found.init()
    asyncio.run(found.start())
    yield found
    assert found.stop() == 0


def with_real_ids(case: Any, ids: dict[str, str], wants: bool) -> None:
    """Half of the requests name things that are there."""
    noun = case.path.rpartition("/{")[0].rpartition("/")[2]
    if not noun.isidentifier():
        noun = case.path.removeprefix("/api/v1").split("/")[1]
    if wants and ids.get(noun):
        for name in case.path_parameters:
            case.path_parameters[name] = ids[noun]


def test_every_operation(process: Process) -> None:
    """No server error, and each answer is one of those described, in the described form."""
    base, key = f"http://127.0.0.1:{process.port}", process.key
    ids = asyncio.run(made_ids(process))
    schema = schemathesis.openapi.from_url(base + "/api/openapi.json")
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(HANGS):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), wants=st.booleans())
        def asked(case: Any, wants: bool) -> None:
            with_real_ids(case, ids, wants)
            answer = case.call(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=20)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        try:
            asked()
        except Exception as error:
            failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures)
    assert not any(status >= 500 for status in statuses)
    assert {200, 400, 404, 422} <= set(statuses)
