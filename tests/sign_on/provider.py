"""A provider that says what a test wants it to say, over TLS on this machine."""

import base64
import hashlib
import json
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import trustme
from joserfc import jwk, jwt
from joserfc.errors import SecurityWarning

CLIENT, SECRET = "deskbell", "a secret: of the/provider"
RSA = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}, private=True)
OTHER = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}, private=True)
EC = jwk.ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"}, private=True)
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "three", "use": "sig", "alg": "EdDSA"}, private=True)


def signed(claims: dict[str, Any], *, key: Any = RSA, alg: str = "RS256", **header: Any) -> str:
    """A token as a good provider makes it."""
    named = {"alg": alg, "kid": key.kid, **header}
    plain = key.as_dict(private=True)
    del plain["alg"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA by its older name
        return jwt.encode(named, claims, key.import_key(plain), algorithms=[alg])


def piece(value: Any) -> str:
    """One part of a token made by hand."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class Provider:
    """Where it is, what it answers next, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.issuer = f"https://127.0.0.1:{port}"
        self.keys: list[dict[str, Any]] = [one.as_dict(private=False) for one in (RSA, EC, ED)]
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        self.token: Callable[[], str] = lambda: ""
        self.error: str | None = None
        self.challenge = ""
        self.asked: list[dict[str, str]] = []
        self.fetched: list[str] = []

    def answer(self, path: str) -> tuple[int, Any]:
        """A GET."""
        self.fetched.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self.document
        return (200, {"keys": self.keys}) if path == "/keys" else (404, {})

    def back(self, path: str) -> str:
        """Where a browser goes that came to be asked who it is: Ana."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        self.challenge, now = asked["code_challenge"], int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "sub-ana", "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "auth_time": now, "email": "ana@desk.example", "email_verified": True,
        }  # fmt: skip
        self.token = lambda: signed(claims)
        return f"{asked['redirect_uri']}?{urlencode({'code': 'a code', 'state': asked['state']})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """A code for tokens; the verifier must fit, and the client must show its secret."""
        self.asked.append(form)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        expected = base64.b64encode(f"{CLIENT}:a%20secret%3A%20of%20the%2Fprovider".encode()).decode()
        fits = base64.urlsafe_b64encode(verifier).decode().rstrip("=") == self.challenge
        if self.error or not fits or authorization != f"Basic {expected}":
            return 400, {"error": self.error or "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token()}


@contextmanager
def served(authority: trustme.CA) -> Iterator[Provider]:
    """A provider, while the test runs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    found: list[Provider] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def say(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path.startswith("/authorize"):  # at once back again, as if somebody had signed in
                self.send_response(302)
                self.send_header("location", found[0].back(self.path))
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self.say(*found[0].answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.say(*found[0].exchange(form, self.headers["authorization"]))

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.append(Provider(server.server_port))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()


def authority_file(authority: trustme.CA, folder: Path) -> str:
    """What DESKBELL_CA_FILE names."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
