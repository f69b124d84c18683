"""Whom an e-mail address links: one person in several sources, and never two people of one source; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

OWN: Final = ""  # stands among the identities that tell an address where it is the person's own

L = TypeVar("L")


def source_of(identity: str) -> str:
    """The source whose learner an identity names; empty for ids of the API's callers."""
    source, colon, _ = identity.partition(":")
    return source if colon else ""


@dataclass(slots=True)
class _Holder(Generic[L]):
    learner: L
    sources: set[str] = field(default_factory=set)
    tellers: set[str] = field(default_factory=set)  # identities of which the address is told


class Holders(Generic[L]):
    """Who has which address now, and in which sources each of them is known.

    An address names the learner who has it, if it is one alone and the new identity is of a source in which
    that learner has none: two people of one source may share a mailbox, and one person has one account there.
    What several people have names nobody.
    """

    def __init__(self) -> None:
        self._by_address: dict[str, dict[str, _Holder[L]]] = {}

    def note(
        self, address: str, learner_id: str, learner: L, sources: Iterable[str], tellers: Iterable[str]
    ) -> None:
        """A learner has an address, told of the identities `tellers`, and identities of `sources`."""
        holders = self._by_address.setdefault(address.lower(), {})
        holder = holders.setdefault(learner_id, _Holder(learner))
        holder.learner = learner
        holder.sources.update(sources)
        holder.tellers.update(tellers)

    def who(self, address: str | None, identity: str) -> L | None:
        """The learner whom an address names for an identity that isn't known."""
        holders = self._by_address.get(address.lower(), {}) if address else {}
        if len(holders) != 1:
            return None
        (holder,) = holders.values()
        return None if source_of(identity) in holder.sources else holder.learner

    def learner_ids(self) -> set[str]:
        """Everybody who has one of these addresses."""
        return {learner_id for holders in self._by_address.values() for learner_id in holders}

    def takes(self, learner_id: str, identity: str) -> None:
        """A learner has a further identity."""
        for holders in self._by_address.values():
            if learner_id in holders:
                holders[learner_id].sources.add(source_of(identity))

    def gives_up(self, address: str, learner_id: str, teller: str) -> None:
        """An address isn't told of an identity any more; where it is of none, it is the learner's no more."""
        holders = self._by_address.get(address.lower(), {})
        if learner_id in holders:
            holders[learner_id].tellers.discard(teller)
            if not holders[learner_id].tellers:
                del holders[learner_id]
