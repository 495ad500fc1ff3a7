"""Hashing passwords: argon2id, off the event loop, at most two at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2


class Passwords:
    """32 MiB, 3 passes, 1 lane; an unknown user costs the same time as a wrong password."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1, hash_len=32, salt_len=16)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="password")
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store; the password is taken exactly as given."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, encoded(password))

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; without a stored hash the same work is done in vain."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        right = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, stored or self._nobody, encoded(password)
        )
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other numbers."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def encoded(password: str) -> bytes:
    """The bytes that are hashed; half characters are kept apart from everything else."""
    return password.encode("utf-8", "surrogatepass")
