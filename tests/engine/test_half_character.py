"""Which characters a few bytes may begin."""

from __future__ import annotations

from collections import defaultdict

from coblyn.engine.half_character import characters_after


def test_all_characters_are_among_those_that_their_beginnings_may_become() -> None:
    after: dict[bytes, list[int]] = defaultdict(list)
    for code in (*range(0x80, 0xD800), *range(0xE000, 0x110000)):
        whole = chr(code).encode()
        for length in range(1, len(whole)):
            after[whole[:length]].append(code)
    for begun, codes in after.items():
        assert characters_after(begun) == range(codes[0], codes[-1] + 1), begun
        assert len(codes) == codes[-1] + 1 - codes[0], begun
