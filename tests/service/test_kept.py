from __future__ import annotations

from coblyn.service.caller import CALLER, Caller
from coblyn.service.kept import Kept


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    kept = Kept(capacity=2)
    kept.put("a", 1, 1)
    kept.put("b", 2, 1)
    assert kept.get("a") == 1
    kept.put("c", 3, 1)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_all_together_are_bounded_but_the_newest_is_kept() -> None:
    kept = Kept(max_size=10)
    kept.put("a", 1, 6)
    kept.put("a", 2, 4)
    kept.put("b", 3, 6)
    assert len(kept) == 2
    kept.put("c", 4, 99)
    assert len(kept) == 1
    assert kept.get("c") == 4
    assert kept.remove("c")
    assert not kept.remove("c")


def test_nobody_sees_what_another_caller_left() -> None:
    kept = Kept()
    kept.put("a", 1, 1)
    token = CALLER.set(Caller("another"))
    try:
        assert kept.get("a") is None
        assert not kept.remove("a")
    finally:
        CALLER.reset(token)
    assert kept.get("a") == 1
