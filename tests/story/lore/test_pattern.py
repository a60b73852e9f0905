from __future__ import annotations

import time

import pytest

from coblyn.story.lore.pattern import BadPattern, Clock, PatternTooSlow, read_pattern


def occurs(key: str, text: str) -> bool:
    pattern = read_pattern(key)
    assert pattern is not None
    return pattern.occurs(text, Clock())


@pytest.mark.parametrize("key", ["lamp", "/lamp", "lamp/", "/a/b/", "//", "/lamp/x", "/lamp/i "])
def test_what_is_no_pattern_is_taken_as_it_is(key: str) -> None:
    assert read_pattern(key) is None


# What JavaScript says of each.
@pytest.mark.parametrize(
    ("key", "text", "is_there"),
    [
        ("/foo/", "Foo", False),
        ("/foo/i", "Foo", True),
        (r"/a\/b/", "a/b", True),
        (r"/\bël/", " ël", False),  # ë is not a letter of a word there
        (r"/\bel\b/", "an el.", True),
        (r"/^\w+$/", "naïve", False),
        (r"/^[\w]+$/", "naive", True),
        (r"/^\d$/", "٣", False),
        (r"/\s/", "\ufeff", True),
        (r"/end$/", "end\n", False),
        (r"/end$/m", "end\nmore", True),
        (r"/a.b/", "a\u2028b", False),
        (r"/a.b/s", "a\nb", True),
        (r"/(?<year>\d{4})-\k<year>/", "2020-2020", True),
        (r"/(?<=the )lamp/", "the lamp", True),
        (r"/(?<!the )lamp/", "the lamp", False),
        (r"/foo{e}/", "foo", False),  # braces that are not count are letters
        (r"/foo{e}/", "foo{e}", True),
        (r"/o{2,}/", "foo", True),
        (r"/[^]/", "\n", True),
        (r"/a[]/", "a", False),
        (r"/\u0041\x42/", "AB", True),
        (r"/\u{1F409}/u", "🐉", True),
        (r"/x]/", "x]", True),
        (r"/[[]/", "[", True),
        (r"/\//", "/", True),
        (r"/lamp/y", "the lamp", False),
        (r"/\x01She/", "\x01She said", True),
    ],
)
def test_patterns_mean_what_they_mean_in_javascript(key: str, text: str, is_there: bool) -> None:
    assert occurs(key, text) is is_there


@pytest.mark.parametrize(
    "key", ["/(/", "/[a/", "/(?R)a/", "/(?>a)/", "/*/", "/a{2,1}/", "/" + "a" * 5000 + "/"]
)
def test_what_is_no_regular_expression_is_refused(key: str) -> None:
    with pytest.raises(BadPattern):
        read_pattern(key)


@pytest.mark.parametrize(
    "key", ["/(a+)+$/", "/(a|a)*b/", "/(a|aa)+$/", "/^(([a-z])+.)+[A-Z]([a-z])+$/"]
)
def test_a_pattern_that_runs_away_is_stopped(key: str) -> None:
    clock = Clock()
    pattern = read_pattern(key)
    assert pattern
    start = time.monotonic()
    try:
        assert pattern.occurs("a" * 100_000 + "!", clock) in (True, False)
    except PatternTooSlow:
        assert clock.left < 1
    assert time.monotonic() - start < 30  # it would take longer than the sun will shine


def test_time_is_limited_for_all_patterns_together() -> None:
    pattern = read_pattern("/a/")
    assert pattern
    with pytest.raises(PatternTooSlow):
        pattern.occurs("a", Clock(left=0.0))
