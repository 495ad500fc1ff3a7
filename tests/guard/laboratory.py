"""The laboratory: a world of its own with name server, canaries and packet counter, and what was found in it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from guard import ground
from guard.canary import Canaries
from guard.counter import Counter
from guard.names import Names
from guard.served import PORT

METADATA = "169.254.169.254"
PUBLIC = "93.184.216.34"


@dataclass
class Laboratory:
    """Made once per scenario, inside the namespace."""

    ca_file: Path
    names: Names
    canaries: Canaries
    counter: Counter
    faults: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def expect(self, row: str, what: str, found: Any, wanted: Any) -> None:
        """Note a fault unless both are equal."""
        if found != wanted:
            self.faults.append(f"{row}: {what}: {found!r} instead of {wanted!r}")


def make(folder: Path, *, hosts: str = "") -> Laboratory:
    """Lay the ground; a name that no table knows leads to the metadata service."""
    ground.lay(folder, hosts=hosts)
    authority = trustme.CA()
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(ca_file)
    ours = {(ground.DRIVER, ("127.0.0.1", PORT)), ("", (ground.NAME_SERVER, 53)), (ground.DRIVER, (PUBLIC, 8443))}
    return Laboratory(
        ca_file=ca_file,
        names=Names(ground.NAME_SERVER, [METADATA]),
        canaries=Canaries(authority),
        counter=Counter(known=frozenset(ours)),
    )
