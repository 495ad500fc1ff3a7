"""`deskbell webhooks auth`: how a webhook signs in at its receiver."""

import json
from pathlib import Path
from typing import IO, Any

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("webhook_id")
@click.option("--auth-file", type=click.File(), help="FILE with the JSON of `auth`, - for standard input.")
@click.option("--client-certificate", type=READABLE, help="FILE with a certificate and its chain, PEM.")
@click.option("--client-key", type=READABLE, help="FILE with its key, PEM, without passphrase.")
@click.option("--remove", type=click.Choice(["auth", "certificate", "all"]), help="Take it away.")
@api_options
def auth(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    webhook_id: str,
    auth_file: IO[str] | None,
    client_certificate: Path | None,
    client_key: Path | None,
    remove: str | None,
) -> None:
    """Set or remove a webhook's password, token or client certificate. Without options: show what is set."""
    members = {**removed(remove), **given(auth_file), **certificate(client_certificate, client_key)}
    call = connect(url, api_key_file).call
    path = f"/webhooks/{webhook_id}"
    found = call("PATCH", path, members) if members else call("GET", path)
    shown = {"auth": found["auth"], "clientCertificate": found["clientCertificate"]}
    if wants_json:
        as_json(shown)
        return
    for name, value in shown.items():
        told = ", ".join(f"{key} {text}" for key, text in value.items() if key != "set") if value else "none"
        line(f"{name:17} {told}")


def removed(what: str | None) -> dict[str, Any]:
    """Members that go."""
    names = {"auth": ("auth",), "certificate": ("clientCertificate",), "all": ("auth", "clientCertificate")}
    return dict.fromkeys(names.get(what or "", ()))


def given(file: IO[str] | None) -> dict[str, Any]:
    """The member of a file."""
    if file is None:
        return {}
    try:
        return {"auth": json.load(file)}
    except ValueError as error:
        raise click.UsageError(f"--auth-file takes a file with JSON: {error}") from None


def certificate(chain: Path | None, key: Path | None) -> dict[str, Any]:
    """The member of two files, which belong together."""
    if chain is None and key is None:
        return {}
    if chain is None or key is None:
        raise click.UsageError("--client-certificate and --client-key belong together.")
    return {"clientCertificate": {"certificate": chain.read_text(), "key": key.read_text()}}
