from __future__ import annotations

import sys
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest

from coblyn.story.lore.entry import read_entry
from coblyn.story.lore.fire import fire
from coblyn.story.lore.scene import LoreSettings, Scene, read_settings
from coblyn.story.lore.verdict import Lore, Timer


def entry(name: str, **fields: Any) -> Any:
    source = fields.pop("source", "chat")
    return read_entry(name, {"key": [name], "content": f"About {name}."} | fields, source)


def look(
    entries: list[Any], *messages: str, settings: dict[str, Any] | None = None, **scene: Any
) -> Lore:
    """The messages are given oldest first."""
    newest_first = tuple(reversed(messages))
    return fire(entries, Scene(newest_first, **scene), LoreSettings(**(settings or {})))


def fired(lore: Lore) -> list[str]:
    return [one.entry.id for one in lore.fired]


def why_not(lore: Lore) -> dict[str, str]:
    return {one.entry.id: one.because for one in lore.silent}


def test_a_key_in_the_last_messages_calls_an_entry() -> None:
    lore = look([entry("lamp"), entry("mine"), entry("Storm")], "A mine.", "The Lamp.", "No storm.")
    assert fired(lore) == ["lamp", "Storm"]
    assert [(one.key, one.back) for one in lore.fired] == [("lamp", 2), ("Storm", 1)]
    (silent,) = lore.silent
    assert (silent.because, silent.values) == (
        "no_match",
        {"looked": 2, "nearest": "mine", "back": 3},
    )


def test_every_entry_gets_exactly_one_verdict() -> None:
    entries = [
        entry("lamp"),
        entry("off", disable=True),
        entry("x", key=[]),
        entry("y", constant=True),
    ]
    lore = look(entries, "lamp off")
    assert sorted([*fired(lore), *why_not(lore)]) == ["lamp", "off", "x", "y"]
    assert why_not(lore) == {"off": "disabled", "x": "no_key"}


@pytest.mark.parametrize(
    ("fields", "text", "is_fired"),
    [
        ({"caseSensitive": True}, "LAMP", False),
        ({"matchWholeWords": True}, "lamps", False),
        ({"matchWholeWords": True}, "a lamp, lit", True),
        (
            {"matchWholeWords": True, "key": ["old lamp"]},
            "old lamps",
            True,
        ),  # several words are a substring
        ({"matchWholeWords": True, "key": ["灯"]}, "她点亮了灯笼", True),
        ({"key": ["/l.mp/"]}, "LIMP lump", True),
        ({"key": ["/l.mp/"]}, "LIMP", False),
        ({"key": ["/l.mp/"], "use_regex": False}, "lump", False),
        ({"key": ["/l.mp/"], "use_regex": False}, "it is /l.mp/ then", True),
        ({"key": ["", "  "]}, "anything", False),
        ({"key": "lamp, torch"}, "a torch", True),
        ({"key": ["lamplight"]}, "lamps and a light", False),
        ({"key": ["lamplight"]}, "lamp" * 20_000 + "Lamplight", True),  # too long for an index
        ({"key": ["wick"]}, "The wick", True),
        ({"key": ["wick"]}, "wic", False),
    ],
)
def test_keys(fields: dict[str, Any], text: str, is_fired: bool) -> None:
    assert fired(look([entry("lamp", **fields)], text)) == (["lamp"] if is_fired else [])


@pytest.mark.parametrize(
    ("logic", "none", "one", "both"),
    [
        (0, False, True, True),
        (1, True, True, False),
        (2, True, False, False),
        (3, False, False, True),
    ],
)
def test_secondary_keys(logic: int, none: bool, one: bool, both: bool) -> None:
    book = [entry("lamp", keysecondary=["dream", "night"], selectiveLogic=logic)]
    for text, expected in (("lamp", none), ("lamp dream", one), ("lamp dream night", both)):
        assert bool(look(book, text).fired) is expected


def test_what_forbids_an_entry_is_named() -> None:
    lore = look([entry("lamp", keysecondary=["dream"], selectiveLogic=2)], "The lamp in a dream.")
    assert lore.silent[0].to_json() == {
        "id": "lamp", "name": "lamp", "because": "forbidden", "key": "lamp", "forbidden_by": "dream",
    }  # fmt: skip


def test_secondary_keys_count_only_where_they_are_asked_for() -> None:
    book = [entry("lamp", keysecondary=["dream"], selective=False)]
    assert look(book, "lamp").fired


def test_chance_is_seeded_and_zero_is_never() -> None:
    book = [
        entry("never", constant=True, probability=0),
        entry("half", constant=True, probability=50),
    ]
    seen = set()
    for seed in range(200):
        lore = look(book, "text", seed=seed)
        assert lore == look(book, "text", seed=seed)
        assert "never" not in fired(lore)
        seen.add("half" in fired(lore))
        for one in lore.silent:
            assert one.values["roll"] > one.values["probability"]
    assert seen == {True, False}
    assert look([entry("sure", constant=True, probability=0, useProbability=False)], "text").fired


def test_the_budget_ends_with_the_first_entry_that_does_not_fit() -> None:
    book = [
        entry("big", constant=True, order=200, content="x" * 60),
        entry("bigger", constant=True, order=150, content="x" * 50),
        entry("small", constant=True, order=100, content="x"),
        entry("free", constant=True, order=50, content="x", ignoreBudget=True),
    ]
    lore = look(book, "text", context=400)
    assert (fired(lore), lore.tokens, lore.budget) == (["free", "big"], 60, 100)
    assert why_not(lore) == {"bigger": "budget", "small": "budget"}
    assert lore.silent[0].values == {"used": 60, "max": 100}
    assert look(book, "text", context=400, settings={"budget_cap": 20}).budget == 20


def test_entries_stand_in_rising_order_in_their_slots() -> None:
    book = [
        entry("last", constant=True, order=9),
        entry("first", constant=True, order=1),
        entry("deep", constant=True, position=4, depth=8),
        entry("shallow", constant=True, position=4, depth=1),
        entry("after", constant=True, position=1),
    ]
    assert fired(look(book, "text")) == ["first", "last", "after", "deep", "shallow"]


def test_who_gets_room_first() -> None:
    book = [
        entry("world", constant=True, source="global", order=500, content="x" * 80),
        entry("card", constant=True, source="character", content="x" * 80),
        entry("own", constant=True, order=1, content="x" * 10),
    ]
    scene: dict[str, Any] = {"context": 400}
    assert fired(look(book, "text", **scene)) == ["own", "card"]
    assert fired(look(book, "text", settings={"strategy": "evenly"}, **scene)) == ["own", "world"]
    assert fired(look(book, "text", settings={"strategy": "global_first"}, **scene)) == [
        "own",
        "world",
    ]


def test_entries_call_each_other_where_that_is_wanted() -> None:
    book = [
        entry("mine", content="There is a lamp."),
        entry("lamp", content="It needs oil."),
        entry("oil", excludeRecursion=True),
    ]
    assert fired(look(book, "the mine")) == ["mine"]
    lore = look(book, "the mine", settings={"recursive": True})
    assert [(one.entry.id, one.caller, one.level) for one in lore.fired] == [
        ("mine", "", 0),
        ("lamp", "mine", 1),
    ]
    assert why_not(lore) == {"oil": "no_match"}
    book[0] = entry("mine", content="There is a lamp.", preventRecursion=True)
    assert fired(look(book, "the mine", settings={"recursive": True})) == ["mine"]


def test_some_wait_for_a_level_of_recursion() -> None:
    book = [entry("mine", content="A lamp."), entry("lamp", delayUntilRecursion=True)]
    assert fired(look(book, "mine lamp")) == ["mine"]
    assert fired(look(book, "mine lamp", settings={"recursive": True})) == ["mine", "lamp"]
    book.append(entry("late", key=["mine"], delayUntilRecursion=2))
    assert len(look(book, "mine lamp", settings={"recursive": True}).fired) == 3
    limited = look(book, "mine lamp", settings={"recursive": True, "max_steps": 2})
    assert fired(limited) == ["mine", "lamp"]


def test_of_a_group_one_enters() -> None:
    book = [entry("sun", key=["sky"], group="weather"), entry("rain", key=["sky"], group="weather")]
    winners = {fired(look(book, "sky", seed=seed))[0] for seed in range(50)}
    assert winners == {"sun", "rain"}
    lore = look(book, "sky")
    assert (len(lore.fired), lore.fired[0].won) == (1, "weather")
    assert lore.silent[0].values == {"group": "weather", "lost_to": lore.fired[0].entry.name}
    book[0] = entry("sun", key=["sky"], group="weather", groupWeight=0)
    assert {fired(look(book, "sky", seed=seed))[0] for seed in range(50)} == {"rain"}
    book[0] = entry("sun", key=["sky"], group="weather", groupOverride=True)
    assert {fired(look(book, "sky", seed=seed))[0] for seed in range(50)} == {"sun"}


def test_of_a_scored_group_the_most_keys_win() -> None:
    book = [
        entry("sun", key=["sky"], group="weather"),
        entry("rain", key=["sky", "wet"], group="weather"),
    ]
    scored = {"group_scoring": True}
    assert all(fired(look(book, "wet sky", settings=scored, seed=s)) == ["rain"] for s in range(20))


def test_timed_effects() -> None:
    book = [entry("lamp", sticky=2, cooldown=2)]
    timers: dict[str, Timer] = {}
    seen = []
    for number in range(1, 9):
        messages = [f"message {n}" for n in range(number - 1)]
        messages.append("the lamp" if number in (1, 4, 5, 6) else "nothing")
        lore = look(book, *messages, settings={"scan_depth": 1}, timers=timers)
        timers = lore.timers
        seen.append(lore.fired[0].by if lore.fired else why_not(lore)["lamp"])
    # 1 fires, 2 stays, 3 and 4 rest, 5 fires again
    assert seen == [
        "key",
        "sticky",
        "cooldown",
        "cooldown",
        "key",
        "sticky",
        "cooldown",
        "cooldown",
    ]


def test_a_retry_forgets_what_it_had_fired_itself() -> None:
    book = [entry("lamp", cooldown=5)]
    first = look(book, "lamp")
    assert look(book, "lamp", timers=first.timers).fired
    assert why_not(look(book, "lamp", "more", timers=first.timers)) == {"lamp": "cooldown"}
    changed = [entry("lamp", cooldown=5, content="New.")]
    assert look(changed, "lamp", "more", timers=first.timers).fired


def test_a_delay_counts_messages() -> None:
    book = [entry("lamp", delay=3)]
    assert why_not(look(book, "lamp", "lamp")) == {"lamp": "delay"}
    assert look(book, "lamp", "lamp", "lamp").fired


def test_who_speaks_and_why_can_matter() -> None:
    book = [
        entry(
            "a", constant=True, characterFilter={"names": ["Tomos"], "tags": [], "isExclude": False}
        ),
        entry(
            "b", constant=True, characterFilter={"names": [], "tags": ["miner"], "isExclude": True}
        ),
        entry("c", constant=True, triggers=["regenerate"]),
    ]
    lore = look(book, "text", character="Tomos", tags=frozenset({"miner"}))
    assert (fired(lore), why_not(lore)) == (["a"], {"b": "other_character", "c": "other_trigger"})
    assert fired(look(book, "text", trigger="regenerate")) == ["b", "c"]


def test_further_texts_are_looked_at_where_an_entry_says_so() -> None:
    book = [entry("lamp", matchScenario=True), entry("mine")]
    assert fired(look(book, "text", sources={"scenario": "A lamp in a mine."})) == ["lamp"]


def test_the_look_goes_further_back_until_enough_have_fired() -> None:
    book = [entry("lamp"), entry("mine")]
    messages = ["the mine", "the lamp", "a", "b"]
    assert fired(look(book, *messages)) == []
    assert fired(look(book, *messages, settings={"min_activations": 1})) == ["lamp"]
    assert fired(look(book, *messages, settings={"min_activations": 2})) == ["lamp", "mine"]
    assert fired(look(book, *messages, settings={"min_activations": 2, "max_depth": 3})) == ["lamp"]


def test_decorators_of_cards() -> None:
    book = [
        entry("a", key=["never"], content="@@activate\nText."),
        entry("b", constant=True, content="@@dont_activate\nText."),
        entry("c", constant=True, content="@@unknown 3\n@@@depth 2\n@@role user\nText."),
        entry("d", content="@@exclude_keys dream\nText.", key=["lamp"]),
        entry("e", content="@@activate_only_after 5\nText.", constant=True),
    ]
    lore = look(book, "A lamp in a dream.")
    assert why_not(lore) == {"b": "suppressed", "d": "forbidden", "e": "delay"}
    assert [(one.content, one.entry.depth, one.entry.role) for one in lore.fired] == [
        ("Text.", 4, "system"),
        ("Text.", 2, "user"),
    ]


def test_a_bad_pattern_is_told_and_harms_nobody() -> None:
    book = [entry("bad", key=["/(/"]), entry("slow", key=["/(a|aa)+$/"]), entry("lamp")]
    lore = look(book, "a" * 100_000 + "!", "lamp")
    assert fired(lore) == ["lamp"]
    assert why_not(lore) == {"bad": "bad_pattern", "slow": "slow_pattern"}


def test_files_of_strangers_are_read_leniently() -> None:
    nonsense = {
        "key": 7, "content": None, "order": "high", "position": 99, "probability": "x", "role": None,
        "depth": -3, "selectiveLogic": 12, "group": [], "characterFilter": 3, "sticky": 1e300,
    }  # fmt: skip
    assert read_entry("x", nonsense) == read_entry("x", {})
    assert read_settings({"scan_depth": "x", "recursive": 1, "strategy": "odd"}) == LoreSettings()
    assert read_settings({"scan_depth": 5, "budget_percent": 10}).budget_percent == 10.0


def test_a_long_chain_keeps_no_copy_of_the_text_for_each_step() -> None:
    text, names = "灯山水火" * 50_000, [f"key{number}z" for number in range(40)]
    entries = [entry(name, content=following) for name, following in pairwise(names)]
    tracemalloc.start()
    try:
        lore = look(entries, text, names[0], settings={"recursive": True}, context=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(fired(lore)) == 39
    assert peak < 10 * sys.getsizeof(text)
