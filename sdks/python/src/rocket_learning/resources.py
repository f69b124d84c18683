"""The groups of calls on a client: `client.events.track`. Each call is written once, in `calls`.

`Endpoint` makes a blocking method of a call and `AsyncEndpoint` an awaitable one, with the call's own
parameters and the type of its answer.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from rocket_learning import calls
from rocket_learning.call import Call
from rocket_learning.calls import Context

P = ParamSpec("P")
R = TypeVar("R")

Make = Callable[Concatenate[Context, P], Call[R]]


class Sender(Protocol):
    """A blocking client, as its groups know it."""

    @property
    def context(self) -> Context: ...
    def send(self, call: Call[R]) -> R: ...


class AsyncSender(Protocol):
    """An async client, as its groups know it."""

    @property
    def context(self) -> Context: ...
    def send(self, call: Call[R]) -> Coroutine[Any, Any, R]: ...


class Group:
    """Calls of one subject."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender


class AsyncGroup:
    """The same, awaited."""

    def __init__(self, sender: AsyncSender) -> None:
        self.sender = sender


class Endpoint(Generic[P, R]):
    """A call as a method of a Group."""

    def __init__(self, make: Make[P, R]) -> None:
        self.make = make

    def __get__(self, group: Group, owner: type[Group]) -> Callable[P, R]:
        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            return group.sender.send(self.make(group.sender.context, *args, **kwargs))

        _describe(method, self.make)
        return method


class AsyncEndpoint(Generic[P, R]):
    """A call as a method of an AsyncGroup."""

    def __init__(self, make: Make[P, R]) -> None:
        self.make = make

    def __get__(self, group: AsyncGroup, owner: type[AsyncGroup]) -> Callable[P, Coroutine[Any, Any, R]]:
        async def method(*args: P.args, **kwargs: P.kwargs) -> R:
            return await group.sender.send(self.make(group.sender.context, *args, **kwargs))

        _describe(method, self.make)
        return method


def _describe(method: Any, make: Callable[..., Any]) -> None:
    """Gives a method the call's documentation and parameters, for `help`."""
    functools.update_wrapper(method, make)
    signature = inspect.signature(make)
    method.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])


class Events(Group):
    track = Endpoint(calls.track)
    track_batch = Endpoint(calls.track_batch)
    validate = Endpoint(calls.validate)
    get = Endpoint(calls.get_event)
    list = Endpoint(calls.list_events)


class Points(Group):
    award = Endpoint(calls.award_points)
    deduct = Endpoint(calls.deduct_points)


class Badges(Group):
    award = Endpoint(calls.award_badge)
    get = Endpoint(calls.get_badge)
    list = Endpoint(calls.list_badges)


class Users(Group):
    get = Endpoint(calls.get_user)
    get_balance = Endpoint(calls.get_balance)
    get_rank = Endpoint(calls.get_rank)
    get_ledger = Endpoint(calls.get_ledger)
    get_badges = Endpoint(calls.get_badges)
    get_limits = Endpoint(calls.get_limits)
    get_events = Endpoint(calls.get_events)
    search = Endpoint(calls.search_users)


class Leaderboards(Group):
    get = Endpoint(calls.get_leaderboard)


class Rules(Group):
    list = Endpoint(calls.list_rules)
    get = Endpoint(calls.get_rule)
    templates = Endpoint(calls.list_templates)


class AsyncEvents(AsyncGroup):
    track = AsyncEndpoint(calls.track)
    track_batch = AsyncEndpoint(calls.track_batch)
    validate = AsyncEndpoint(calls.validate)
    get = AsyncEndpoint(calls.get_event)
    list = AsyncEndpoint(calls.list_events)


class AsyncPoints(AsyncGroup):
    award = AsyncEndpoint(calls.award_points)
    deduct = AsyncEndpoint(calls.deduct_points)


class AsyncBadges(AsyncGroup):
    award = AsyncEndpoint(calls.award_badge)
    get = AsyncEndpoint(calls.get_badge)
    list = AsyncEndpoint(calls.list_badges)


class AsyncUsers(AsyncGroup):
    get = AsyncEndpoint(calls.get_user)
    get_balance = AsyncEndpoint(calls.get_balance)
    get_rank = AsyncEndpoint(calls.get_rank)
    get_ledger = AsyncEndpoint(calls.get_ledger)
    get_badges = AsyncEndpoint(calls.get_badges)
    get_limits = AsyncEndpoint(calls.get_limits)
    get_events = AsyncEndpoint(calls.get_events)
    search = AsyncEndpoint(calls.search_users)


class AsyncLeaderboards(AsyncGroup):
    get = AsyncEndpoint(calls.get_leaderboard)


class AsyncRules(AsyncGroup):
    list = AsyncEndpoint(calls.list_rules)
    get = AsyncEndpoint(calls.get_rule)
    templates = AsyncEndpoint(calls.list_templates)
