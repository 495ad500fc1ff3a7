"""`deskbell verify`: checks a signature and says why it fails."""

import sys
import time
from pathlib import Path

import click

from deskbell.cli.output import as_json, json_option, line
from deskbell.rules.verifying import verify_signature


@click.command()
@click.option("--headers", "headers_file", required=True, metavar="FILE", help="`name: value`, one a line.")
@click.option("--body", "body_file", required=True, metavar="FILE", help="The raw body, byte for byte.")
@click.option("--secret-file", required=True, metavar="FILE", help="Signing secrets, one a line.")
@click.option("--tolerance", default=300, show_default=True, metavar="SECONDS", help="How old the request may be.")
@json_option
def verify(headers_file: str, body_file: str, secret_file: str, tolerance: int, wants_json: bool) -> None:
    """Check whether a captured request was signed with one of the secrets; exit 0 when it was, 1 when not."""
    pairs = [split(text) for text in read(headers_file).decode("latin-1").splitlines() if text.strip()]
    secrets = [text.strip() for text in read(secret_file).decode().splitlines() if text.strip()]
    finding = verify_signature(pairs, read(body_file), secrets, now_s=time.time(), tolerance_s=tolerance)
    if wants_json:
        as_json({"valid": finding.valid, "finding": finding.name, "text": finding.text})
    else:
        line(f"{'valid' if finding.valid else 'not valid'}: {finding.text}")
    sys.exit(0 if finding.valid else 1)


def read(file: str) -> bytes:
    """A file's bytes."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None


def split(text: str) -> tuple[str, str]:
    """`name: value`; a line without a colon is a header without value."""
    name, _, value = text.partition(":")
    return name, value.removeprefix(" ")
