"""A process remembers so much and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.caches import Cache


def test_the_longest_unused_is_forgotten_first() -> None:
    """Reading a value counts as use, so what is asked for stays."""
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert list(cache) == ["a", "c"]
    assert cache.get("b") is None


def test_one_alone_is_kept_whatever_it_weighs() -> None:
    """What weighs more than everything may is still remembered until another comes."""
    cache: Cache[str, str] = Cache(3, len)
    cache.put("long", "xxxxx")
    assert cache.get("long") == "xxxxx"
    cache.put("short", "x")
    assert list(cache) == ["short"]


@pytest.mark.parametrize("weigh", [None, len])
@given(st.lists(st.tuples(st.integers(0, 9), st.text("x", min_size=1, max_size=5) | st.none()), max_size=60))
def test_it_agrees_with_a_plain_model(weigh: Callable[[Any], int] | None, acts: list[Any]) -> None:
    """Whatever is put and forgotten, what is kept are the last ones that fit."""
    cache: Cache[int, str] = Cache(8, weigh)
    model: list[tuple[int, str]] = []
    for key, value in acts:
        model = [one for one in model if one[0] != key]
        if value is None:
            cache.forget(key)
            continue
        cache.put(key, value)
        model.append((key, value))
        while len(model) > 1 and sum(1 if weigh is None else weigh(one) for _, one in model) > 8:
            del model[0]
        assert [(one, cache._kept[one]) for one in cache] == model
