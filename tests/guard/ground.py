"""The ground of the laboratory: a network of its own in which every address of the world is this machine.

Runs inside a fresh network and mount namespace. All packets stay on its loopback interface, where they are counted.
"""

import subprocess
from pathlib import Path

NAME_SERVER = "127.0.0.53"
DRIVER = "127.0.0.9"
"""Where our own requests to Deskbell come from, so that they can be told from its own."""


def lay(folder: Path, *, hosts: str = "") -> None:
    """Bring the network up, route the whole world to it, and name our own name server and hosts file."""
    for command in (
        "link set lo up",
        "route add local 0.0.0.0/0 dev lo",
        "-6 route add local ::/0 dev lo",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    _stand_in(folder / "resolv.conf", f"nameserver {NAME_SERVER}\n", Path("/etc/resolv.conf"))
    _stand_in(folder / "hosts", f"127.0.0.1 localhost\n{hosts}", Path("/etc/hosts"))


def _stand_in(file: Path, text: str, place: Path) -> None:
    file.write_text(text)
    file.chmod(0o644)
    subprocess.run(["mount", "--bind", str(file), str(place)], check=True)
