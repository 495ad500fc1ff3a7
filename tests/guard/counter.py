"""Counts packets on the laboratory's loopback interface, by what they open."""

import ipaddress
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

_ETH_IP, _ETH_IPV6, _ETH_ALL = 0x0800, 0x86DD, 3
_TCP, _UDP = 6, 17
_OUTGOING = 4
_HEADER = 14
_SOL_PACKET, _STATISTICS = 263, 6
_BUFFER_BYTES = 32 * 2**20

Target = tuple[str, int]
"""Address and port; port 0 for what has none."""


_MARK: Target = ("127.255.255.254", 9)


@dataclass(frozen=True)
class _Packet:
    source: Target
    target: Target
    opens: bool  # asks for a TCP connection, or is no TCP at all


@dataclass
class Counter:
    """Every packet is seen once, on its way out; one that answers an opened flow belongs to that flow."""

    known: frozenset[tuple[str, Target]]  # (source address or "", target) that are ours
    opened: list[Target] = field(default_factory=list)  # targets of the first packets of flows that are not ours
    packets: int = 0
    _flows: set[tuple[Target, Target]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
        self._socket.bind(("lo", 0))
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(_MARK)
        threading.Thread(target=self._read, daemon=True).start()

    def lost(self) -> int:
        """Packets that the kernel could not hand over: the count is worth nothing unless this is 0."""
        _, drops = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        return int(drops)

    def take(self) -> list[Target]:
        """What was opened since the last call, once every packet sent so far was read."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marker:
            marker.sendto(b"", _MARK)
        while _MARK not in self.opened:
            time.sleep(0.001)
        found, self.opened = self.opened, []
        return [one for one in found if one != _MARK]

    def _read(self) -> None:
        while True:
            data, (_, _, kind, *_) = self._socket.recvfrom(200)
            if kind == _OUTGOING and (packet := read_packet(data)) is not None:
                self._note(packet)

    def _note(self, packet: _Packet) -> None:
        self.packets += 1
        flow = (packet.source, packet.target)
        if (packet.target, packet.source) in self._flows or (flow in self._flows and not packet.opens):
            return  # an answer, or more of a flow that was told already
        self._flows.add(flow)
        if (packet.source[0], packet.target) not in self.known and ("", packet.target) not in self.known:
            self.opened.append(packet.target)


def read_packet(data: bytes) -> _Packet | None:
    """An IP packet of an Ethernet frame; None: it is something else."""
    kind = struct.unpack_from(">H", data, 12)[0]
    if kind == _ETH_IP:
        protocol, at = data[_HEADER + 9], _HEADER + (data[_HEADER] & 15) * 4
        source, target = data[_HEADER + 12 : _HEADER + 16], data[_HEADER + 16 : _HEADER + 20]
    elif kind == _ETH_IPV6:
        protocol, at = data[_HEADER + 6], _HEADER + 40
        source, target = data[_HEADER + 8 : _HEADER + 24], data[_HEADER + 24 : _HEADER + 40]
    else:
        return None
    from_port, to_port = struct.unpack_from(">HH", data, at) if protocol in (_TCP, _UDP) else (0, 0)
    opens = protocol != _TCP or data[at + 13] & 0x12 == 0x02
    return _Packet((_text(source), from_port), (_text(target), to_port), opens)


def _text(address: bytes) -> str:
    return str(ipaddress.ip_address(address))
