"""The laboratory's name server: answers by a table, over UDP and TCP, and notes what it was asked."""

import ipaddress
import socket
import struct
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

A, CNAME, AAAA = 1, 5, 28
_UDP_BYTES = 1200
_CODES = {"NXDOMAIN": 3, "SERVFAIL": 2, "REFUSED": 5}
_TRUNCATED = 0x0200

Answers = Any
"""Addresses, a fault's name, {"count", "first"}, {"cname_chain"}, or a function of how often the name was asked."""


class Names:
    """`table` by name; every other name leads to `others`."""

    def __init__(self, address: str, others: Answers) -> None:
        self.table: dict[str, Answers] = {}
        self.others = others
        self.asked: list[tuple[str, int]] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, 53))
        self._tcp = socket.create_server((address, 53))
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            data, sender = self._udp.recvfrom(4096)
            answer = self._answer(data)
            if answer is not None:
                whole = len(answer) <= _UDP_BYTES
                self._udp.sendto(answer if whole else _cut(answer, data), sender)

    def _serve_tcp(self) -> None:
        while True:
            line, _ = self._tcp.accept()
            with line:
                line.settimeout(5)
                try:
                    data = line.recv(4096)
                    while len(data) < 2 or len(data) < 2 + struct.unpack_from(">H", data)[0]:
                        data += line.recv(4096)
                    answer = self._answer(data[2:])
                    if answer is not None:
                        line.sendall(struct.pack(">H", len(answer)) + answer)
                        line.recv(1)
                except OSError:
                    continue

    def _answer(self, data: bytes) -> bytes | None:
        name, end = _question(data)
        kind = struct.unpack_from(">H", data, end - 4)[0]
        self.asked.append((name, kind))
        given = self.table.get(name, self.others)
        if callable(given):
            given = given(sum(one == (name, kind) for one in self.asked))
        if given == "TIMEOUT":
            return None
        code, records = (_CODES[given], []) if isinstance(given, str) else (0, _records(name, kind, given))
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + data[12:end] + b"".join(records)


def flip(first: list[str], then: list[str]) -> Callable[[int], list[str]]:
    """The first look-up of a family gives `first`, every later one `then`."""
    return lambda times: first if times == 1 else then


def _records(name: str, kind: int, given: Answers) -> list[bytes]:
    if isinstance(given, dict) and "cname_chain" in given:
        chain = [name, *(f"{n}.x" for n in range(given["cname_chain"]))]
        return [_record(one, CNAME, _encoded(two)) for one, two in pairwise(chain)]
    if isinstance(given, dict):
        given = [given["first"], *(f"93.184.{n // 250}.{n % 250 + 1}" for n in range(given["count"] - 1))]
    parsed = [ipaddress.ip_address(one) for one in given]
    return [_record(name, kind, one.packed) for one in parsed if kind == (A if one.version == 4 else AAAA)]


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _encoded(name) + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _question(data: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels).lower(), at + 5


def _cut(answer: bytes, question: bytes) -> bytes:
    """The answer's head with the mark that the rest must be asked for over TCP."""
    flags = struct.unpack_from(">H", answer, 2)[0] | _TRUNCATED
    end = _question(question)[1]
    return answer[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + answer[12:end]
