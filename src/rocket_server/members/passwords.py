"""Passwords: what is good enough, and argon2id off the loop, a few at once."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from rocket_server.errors import FieldError, Unavailable

T = TypeVar("T")

MIN_LETTERS: Final = 12
MAX_LETTERS: Final = 200
_LEAST_DIFFERENT: Final = 5
_AT_ONCE: Final = 2  # each takes a processor and 46 MiB for some hundredths of a second
_WAITING: Final = 100
_RETRY_AFTER_S: Final = 2

# OWASP's password storage cheat sheet asks for 46 MiB and one pass, or 19 MiB and two, at least.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)


class Passwords:
    """Hashes and compares, two at once; whoever tries many passwords makes others who sign in wait, and
    nobody else."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises Unavailable where too many wait."""
        return await self._run(_hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that is kept. Where none is, it takes as long. Raises Unavailable."""
        if len(password) > MAX_LETTERS:
            return False
        if kept is None:
            if self._nobodys is None:
                self._nobodys = await self.hash(secrets.token_hex(16))
            await self._run(_fits, self._nobodys, password)
            return False
        return await self._run(_fits, kept, password)

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= _WAITING:
            raise Unavailable("Too many people sign in at this moment. Try again.", _RETRY_AFTER_S)
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def must_be_hashed_anew(kept: str) -> bool:
    """Whether a hash was made with less effort than today's."""
    return _HASHER.check_needs_rehash(kept)


def fault_of(password: str, email: str | None, field: str = "password") -> FieldError | None:
    """Why a password isn't good enough, by length above all (NIST SP 800-63B, 5.1.1.2)."""
    if not MIN_LETTERS <= len(password) <= MAX_LETTERS:
        return FieldError(field, f"must have {MIN_LETTERS} to {MAX_LETTERS} characters")
    if len(set(password.lower())) < _LEAST_DIFFERENT:
        return FieldError(field, f"must have at least {_LEAST_DIFFERENT} different characters")
    if email and email.partition("@")[0].lower() in password.lower() and len(email.partition("@")[0]) > 3:
        return FieldError(field, "must not have your own address in it")
    return None


def new_password() -> str:
    """A password for somebody, shown once: 100 random bits in groups that can be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _plain(password: str) -> bytes:
    """One spelling of what keyboards send differently (RFC 8265 asks for the same)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _hash(password: str) -> str:
    return _HASHER.hash(_plain(password))


def _fits(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, _plain(password))
    except (Argon2Error, InvalidHashError):
        return False
