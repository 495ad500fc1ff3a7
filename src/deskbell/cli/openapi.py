"""`deskbell openapi`: the description of the API, made from the route table."""

import json

import click

from deskbell.api.openapi import describe


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document."""
    click.echo(json.dumps(describe(), indent=2, ensure_ascii=False))
