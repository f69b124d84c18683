"""Papers that this process has read: they never change, so the last ones used stay in memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rocket_server.assessments.authoring import store
from rocket_server.assessments.papers import Paper, read_paper
from rocket_server.caches import Cache
from rocket_server.errors import InternalError

_MAX_QUESTIONS = 20_000  # of all papers in memory


class Papers:
    """Reads papers, each once as long as it is used."""

    def __init__(self, max_questions: int = _MAX_QUESTIONS) -> None:
        self._papers: Cache[tuple[str, str], Paper] = Cache(max_questions, lambda one: len(one.entries))

    async def get(self, conn: Any, organisation_id: str, paper_ids: Collection[str]) -> dict[str, Paper]:
        """Papers by id. Raises InternalError for one that isn't there, which attempts never name."""
        found: dict[str, Paper] = {}
        missing: list[str] = []
        for paper_id in dict.fromkeys(paper_ids):
            known = self._papers.get((organisation_id, paper_id))
            if known is None:
                missing.append(paper_id)
            else:
                found[paper_id] = known
        if missing:
            stored = await store.papers(conn, organisation_id, missing)
            for paper_id in missing:
                if paper_id not in stored:
                    raise InternalError("An attempt's paper is missing.")
                paper = found[paper_id] = read_paper(paper_id, *stored[paper_id])
                self._papers.put((organisation_id, paper_id), paper)
        return found
