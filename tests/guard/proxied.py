"""Scenario: an egress proxy is set: whatever names lead to, the one address that is dialled is the proxy's."""

import socket
import threading
from pathlib import Path

from guard.ground import DRIVER
from guard.laboratory import METADATA, PUBLIC, Laboratory
from guard.served import Served, named

PROXY = ("10.77.0.1", 3128)


def run(laboratory: Laboratory, folder: Path) -> None:
    """A public receiver through the tunnel; forbidden ones are not even told to the proxy."""
    targets: list[str] = []
    listener = socket.create_server(PROXY)
    threading.Thread(target=_serve, args=(listener, targets), daemon=True).start()
    laboratory.names.table.update({
        "good.example.com": [PUBLIC], "mixed.example.com": [PUBLIC, "10.0.0.5"], "proxy.example.com": [PROXY[0]],
    })  # fmt: skip
    wanted = {
        "https://good.example.com:8443/hook": "delivered",
        "https://mixed.example.com:8443/hook": "blocked",
        "https://other.example.com/hook": "blocked",  # every name that no table knows leads to the metadata service
        "https://proxy.example.com:8443/hook": "blocked",  # the proxy's own address is a setting, not a receiver
    }
    environment = {"DESKBELL_CA_FILE": str(laboratory.ca_file), "DESKBELL_EGRESS_PROXY": "http://10.77.0.1:3128"}
    with Served(folder / "data", **environment) as served:
        for at, (url, outcome) in enumerate(wanted.items()):
            webhook = served.webhook(url, f"custom.r{at}")
            served.publish(f"custom.r{at}")
            served.good("POST", f"/webhooks/{webhook}/test", {})
            found = [named(served.attempts(webhook, test=test)[0]) for test in (False, True)]
            laboratory.expect(url, "outcomes", found, [outcome] * 2)
    laboratory.expect("proxy", "opened", set(laboratory.counter.take()), {PROXY})
    laboratory.expect("proxy", "asked for", set(targets), {f"{PUBLIC}:8443"})
    hosts = {visit.host for visit in laboratory.canaries.take() if visit.address != METADATA}
    laboratory.expect("proxy", "hosts", hosts, {"good.example.com:8443"})


def _serve(listener: socket.socket, targets: list[str]) -> None:
    while True:
        line, _ = listener.accept()
        threading.Thread(target=_tunnel, args=(line, targets), daemon=True).start()


def _tunnel(line: socket.socket, targets: list[str]) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.recv(4096)
    target = head.split(b" ")[1].decode()
    targets.append(target)
    address, _, port = target.rpartition(":")
    onward = socket.create_connection((address, int(port)), source_address=(DRIVER, 0))
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    back = threading.Thread(target=_pass, args=(onward, line), daemon=True)
    back.start()
    _pass(line, onward)
    back.join()
    for one in (line, onward):
        one.close()


def _pass(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
