"""Canaries: listeners at every address of the laboratory's world that note what reaches them."""

import socket
import ssl
import threading
from dataclasses import dataclass, field

import trustme

PORTS = (22, 25, 80, 443, 3000, 5678, 6379, 8000, 8443, 9000, 9443, 11211)
_HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Visit:
    """One request that reached a canary."""

    address: str
    port: int
    sni: str | None
    head: str  # request line and headers

    @property
    def host(self) -> str:
        """What the Host header says."""
        lines = [line for line in self.head.split("\r\n") if line.lower().startswith("host:")]
        return lines[0].partition(":")[2].strip() if len(lines) == 1 else f"{len(lines)} Host headers"


@dataclass
class Canaries:
    """Answers 200, or as the path says: `/token`, or `/status/307` with the text after `to=` as Location."""

    authority: trustme.CA
    visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        names = ("*.example.com", "*.example", "localhost", "93.184.216.34")
        self.authority.issue_cert(*names).configure_cert(self._context)
        self._context.sni_callback = self._note_sni
        self._sni: dict[int, str] = {}
        for port in PORTS:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _note_sni(self, tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        if name is not None:
            self._sni[id(tls)] = name

    def _accept(self, listener: socket.socket) -> None:
        while True:
            line, _ = listener.accept()
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(10)
        address, port = line.getsockname()[:2]
        sni = None
        try:
            if line.recv(1, socket.MSG_PEEK) == b"\x16":
                line = self._context.wrap_socket(line, server_side=True)
                sni = self._sni.pop(id(line), None)
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
                head += (piece := line.recv(4096))
                if not piece:
                    return
            text = head.partition(b"\r\n\r\n")[0].decode("latin-1")
            self.visits.append(Visit(address.removeprefix("::ffff:"), port, sni, text))
            line.sendall(_answer(text))
        except OSError:
            return
        finally:
            line.close()

    def take(self) -> list[Visit]:
        """Visits since the last call."""
        found, self.visits = self.visits, []
        return found


def _answer(head: str) -> bytes:
    target = head.split(" ")[1]
    if target == "/token":
        token = b'{"access_token":"tok","token_type":"bearer"}'
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(token), token)
    if not target.startswith("/status/"):
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    path, _, place = target.partition("?to=")
    status = path.rsplit("/", 1)[1]
    location = f'Location: {place}\r\nRefresh: 0; url={place}\r\nAlt-Svc: h2=":443"\r\nSet-Cookie: a=b\r\n'
    return f"HTTP/1.1 {status} There\r\n{location}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()
