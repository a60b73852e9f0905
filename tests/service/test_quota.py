"""Limits of a key: by the minute they fill evenly, and what nobody knew before is paid afterwards."""

from __future__ import annotations

import pytest

from coblyn.errors import LimitReached
from coblyn.keys.key import Limits
from coblyn.service.caller import Caller
from coblyn.service.quota import Quotas


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tokens_are_paid_when_they_are_known() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    caller = Caller("a", "generate", Limits(tokens_per_minute=60))
    quotas.admit(caller)
    quotas.admit(caller)
    quotas.release(caller, 20)
    quotas.release(caller, 70)
    with pytest.raises(LimitReached, match="60 tokens per minute") as caught:
        quotas.admit(caller)
    assert caught.value.retry_after == pytest.approx(31)
    clock.now = 31.0
    quotas.admit(caller)


def test_requests_come_back_evenly_and_never_more_than_a_minutes_worth() -> None:
    clock = Clock()
    quotas = Quotas(clock)
    caller = Caller("a", "generate", Limits(requests_per_minute=2))
    for _ in range(2):
        quotas.admit(caller)
    with pytest.raises(LimitReached) as caught:
        quotas.admit(caller)
    assert caught.value.retry_after == pytest.approx(30)
    clock.now = 30.0
    quotas.admit(caller)
    clock.now = 3000.0
    for _ in range(2):
        quotas.admit(caller)
    with pytest.raises(LimitReached):
        quotas.admit(caller)


def test_one_who_is_refused_pays_nothing_and_others_are_not_touched() -> None:
    quotas = Quotas(Clock())
    caller = Caller("a", "generate", Limits(max_running=1, requests_per_minute=2))
    quotas.admit(caller)
    for _ in range(5):
        with pytest.raises(LimitReached, match="1 requests running"):
            quotas.admit(caller)
    quotas.admit(Caller("b", "generate", Limits(max_running=1)))
    quotas.release(caller, 10**9)
    quotas.admit(caller)


def test_what_is_done_besides_is_paid_too() -> None:
    quotas = Quotas(Clock())
    caller = Caller("a", "generate", Limits(max_running=1, tokens_per_minute=10))
    with quotas.held(caller) as meter:
        with pytest.raises(LimitReached, match="1 requests running"):
            quotas.admit(caller)
        meter.num_tokens = 10
    with pytest.raises(LimitReached, match="10 tokens per minute"), quotas.held(caller):
        pass
