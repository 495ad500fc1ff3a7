"""Guards: what must hold for a unit to be carried out."""

from collections.abc import Mapping

import apsw

from deskbell.model.changes import Guard, Refused
from deskbell.storage.guards import question
from deskbell.storage.sqlite.dialect import SQLITE


def denied(connection: apsw.Connection, sql: Mapping[str, str], guard: Guard) -> Refused | None:
    """Why the guard does not hold; None when it does."""
    name, bindings, refused = question(guard, SQLITE.listed)
    return None if connection.execute(sql[name], bindings).get is not None else refused
