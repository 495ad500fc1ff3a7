"""Property 14: planted secrets are found in nothing that Deskbell wrote, logged, exported, or told to a viewer."""

from collections.abc import Iterator

import pytest

from privacy.planted import Planted, files_of, planted, spellings


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One run of the whole product."""
    with planted(tmp_path_factory.mktemp("canaries")) as run:
        yield run


def test_no_secret_is_in_any_file(found: Planted) -> None:
    """Database, its log, backup and the process's own log at its debug level, after a crash."""
    files = files_of(found)
    assert {"deskbell.db", "deskbell.db-wal", "copy.db", "serve.log", "values"} <= set(files)
    assert len(found.secrets) > 10
    leaks = [
        (name, file)
        for name, secret in found.secrets.items()
        for file, content in files.items()
        if any(one in content for one in spellings(secret))
    ]
    assert leaks == []


def test_payloads_are_in_no_log_and_no_file_but_the_database(found: Planted) -> None:
    """They are stored, and nowhere else."""
    log = files_of(found)["serve.log"]
    assert log.count(b"attempt.settled") > 3
    assert [name for name, text in found.private.items() if text.encode() in log] == []
    assert all(text.encode() in files_of(found)["values"] for text in found.private.values())


def test_nothing_of_it_is_told_to_a_viewer_or_exported(found: Planted) -> None:
    """Pages, API, metrics and the audit's exports; what is no secret is there."""
    everything = {**found.secrets, **found.private}
    leaks = [
        (name, who)
        for name, secret in everything.items()
        for who, text in found.said
        if any(one in text.encode() for one in spellings(secret))
    ]
    assert leaks == []
    assert sum("readable" in text for _, text in found.said) > 3
    assert sum("webhook.create" in text for _, text in found.said) > 1
    assert "deskbell_" in dict(found.said)["metrics"]
