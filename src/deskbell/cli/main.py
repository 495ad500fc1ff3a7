"""The one entry point `deskbell`."""

import click

from deskbell import __version__
from deskbell.cli import (
    audit,
    backup,
    bench,
    deliveries,
    demo,
    doctor,
    erase,
    events,
    init,
    keyring,
    keys,
    migrate,
    openapi,
    replay,
    restore,
    serve,
    site,
    verify,
    webhooks,
    worker,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="deskbell")
def main() -> None:
    """Deskbell tells other systems, at once and without loss, what happened at a service desk.

    Start with `deskbell demo`, or `deskbell serve`. Exit codes: 0 done, 1 failed, 2 wrong usage.
    """


for command in (
    serve.serve,
    worker.worker,
    init.init,
    demo.demo,
    doctor.doctor,
    erase.erase,
    backup.backup,
    bench.bench,
    restore.restore,
    migrate.migrate,
    keyring.group,
    site.group,
    webhooks.group,
    events.group,
    events.trigger,
    deliveries.group,
    replay.group,
    keys.group,
    audit.group,
    verify.verify,
    openapi.openapi,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
