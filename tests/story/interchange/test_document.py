"""Documents of NovelAI's newer editor, written by msgpackr 2.1.4 with NovelAI's extensions, and broken ones."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from typing import Any

import pytest

from coblyn.errors import BadRequest
from coblyn.story.interchange.document import read_document
from coblyn.story.interchange.files import import_file
from coblyn.story.interchange.msgpackr import unpacked
from coblyn.story.state import NEW, apply

BUNDLED = (
    "1BQA1HJAldZiAAAAo8EIwQXBB8ENwQSFAdRyQZLBBMEEAcESAkEBoANBAcHtzEbUckKSwQTBBgKjaW1nzQOEQQHBFZUB"
    "AgPMRs0DhNQeANRyQ5PBBMEHwQUBAoIB1B8A1HJEksEHwQSA1v9lU/EAAtQfANRyRZPBBsEHwQQBgQPUckaSwQTBBAHU"
    "KADUKQDUckeRwQWR1HJIk8EEwQbBBgCgoXjW/2VT8QCABbtJdCBrbm9ja2VkIOKAlCDkvaDlpb0g8J+RuS7Zp3NlY3Rp"
    "b25zb3JkZXJoaXN0b3J5ZGlydHlTZWN0aW9uc3N0ZXB0eXBldGV4dFRoZSBsYW1wIHdlbnQgb3V0LnR5cGVzb3VyY2VT"
    "aXh0eSBydW5ncywgYW5kIG9uZS5yb290Y3VycmVudG5vZGVzY2hhbmdlc2RhdGVwYXJlbnRjaGFuZ2VzZGF0ZXR5cGVk"
    "aWZmcGFydHNmcm9tZGVsZXRlaW5zZXJ0"
)
"""All strings in two bundles, objects as records, and a section that is a picture."""

PLAIN = (
    "1BQA3gAFqHNlY3Rpb25zhQHeAAKkdHlwZQGkdGV4dLJUaGUgbGFtcCB3ZW50IG91dC4C3gACpHR5cGUBpHRleHSgA94A"
    "AqR0eXBlAaR0ZXh0u0l0IGtub2NrZWQg4oCUIOS9oOWlvSDwn5G5LkbeAAKkdHlwZQKmc291cmNlo2ltZ80DhN4AAqR0"
    "eXBlAaR0ZXh0tVNpeHR5IHJ1bmdzLCBhbmQgb25lLqVvcmRlcpUBAgNGzQOEp2hpc3RvcnnUHgDeAAOkcm9vdAGnY3Vy"
    "cmVudAKlbm9kZXOCAdQfAN4AAqdjaGFuZ2VzgKRkYXRl1v9lU/EAAtQfAN4AA6ZwYXJlbnQBp2NoYW5nZXOBA94AAqR0"
    "eXBlAaRkaWZm1CgA1CkA3gABpXBhcnRzkd4AA6Rmcm9tAKZkZWxldGWgpmluc2VydKF4pGRhdGXW/2VT8QCtZGlydHlT"
    "ZWN0aW9uc4Ckc3RlcAU="
)
"""The same without bundles and records."""

UNFINISHED = (
    "1BQA1HJAldZiAAAA5cEIwQXBB8ENwQSFAdRyQZLBBMEEAcESAkEBoANBAcHtzEbUckKSwQTBBgKjaW1nzQOEQQHBFZUB"
    "AgPMRs0DhNQeANRyQ5PBBMEHwQUBAoIB1B8A1HJEksEHwQSA1v9lU/EAAtQfANRyRZPBBsEHwQQBgQPUckaSwQTBBAHU"
    "KADUKQDUckeRwQWR1HJIk8EEwQbBBgCgoXjW/2VT8QCEAUYB1CgA1CkAR5JIBMEEwQVIBqNvdXSjZGltA9RySZLBBMEI"
    "AkEBoXgE1HJKk8EEwQfBBQBBAcEKAQVKAEEBwQYABbtJdCBrbm9ja2VkIOKAlCDkvaDlpb0g8J+RuS7Z3HNlY3Rpb25z"
    "b3JkZXJoaXN0b3J5ZGlydHlTZWN0aW9uc3N0ZXB0eXBldGV4dFRoZSBsYW1wIHdlbnQgb3V0LnR5cGVzb3VyY2VTaXh0"
    "eSBydW5ncywgYW5kIG9uZS5yb290Y3VycmVudG5vZGVzY2hhbmdlc2RhdGVwYXJlbnRjaGFuZ2VzZGF0ZXR5cGVkaWZm"
    "cGFydHNmcm9tZGVsZXRlaW5zZXJ0bGFtcGxpZ2h0dHlwZXByZXZpb3VzdHlwZXNlY3Rpb25hZnRlckFmdGVyIG9uZS5G"
    "aXJzdC4="
)
"""The first with changes that are not in its history: two edits, two new sections, and one that is gone."""

TEXT = "The lamp went out.\n\nIt knocked \N{EM DASH} 你好 👹.\nSixty rungs, and one."
STRUCTURED = frozenset({20})


@pytest.mark.parametrize("packed", [BUNDLED, PLAIN])
def test_sections_of_text_are_paragraphs(packed: str) -> None:
    document = read_document(packed)
    assert (document.text, document.num_others, document.is_unfinished) == (TEXT, 1, False)


def test_changes_that_are_not_in_the_history_yet_are_made() -> None:
    document = read_document(UNFINISHED)
    lines = ["First.", "The light went dim.", "After one.", "", "Sixty rungs, and one."]
    assert (document.text.split("\n"), document.is_unfinished) == (lines, False)


def made(sections: dict[Any, Any], order: list[Any], changes: dict[Any, Any]) -> str:
    """A document without msgpackr's own forms."""
    value = {"sections": sections, "order": order, "dirtySections": changes}
    return base64.b64encode(b"\xd4\x14\x00" + pack(value)).decode()


def pack(value: Any) -> bytes:
    if isinstance(value, dict):
        pairs = (pack(part) for pair in value.items() for part in pair)
        return b"\xdf" + len(value).to_bytes(4, "big") + b"".join(pairs)
    if isinstance(value, list):
        return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(pack, value))
    if isinstance(value, int):
        return b"\xce" + value.to_bytes(4, "big")
    return b"\xdb" + len(value.encode()).to_bytes(4, "big") + value.encode()


@pytest.mark.parametrize(
    "changes",
    [
        {1: {"type": 1, "diff": {"parts": [{"from": 0, "delete": "x", "insert": "y"}]}}},
        {1: {"type": 1, "diff": {"parts": [{"from": 99, "delete": "", "insert": "y"}]}}},
        {1: {"type": 0, "section": {"type": 1, "text": "again"}}},
        {7: {"type": 2}},
        {7: {"type": 0, "section": {"type": 1, "text": "a"}, "after": 8}},
        {1: {"type": 9}},
        {1: "x"},
    ],
)
def test_changes_that_do_not_fit_are_left_and_told(changes: dict[Any, Any]) -> None:
    document = read_document(made({1: {"type": 1, "text": "One."}}, [1], changes))
    assert (document.text, document.is_unfinished) == ("One.", True)


@pytest.mark.parametrize("is_forward", [True, False])
def test_a_chain_of_new_sections_ends_soon(
    is_forward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coblyn.story.interchange.document._MAX_WORK", 90_000)
    names = range(10, 410)
    new = {"type": 0, "section": {"type": 1, "text": "a"}}
    changes = {name: {**new, "after": name - 1 if name > 10 else 0} for name in names}
    ordered = changes if is_forward else dict(reversed(changes.items()))
    assert read_document(made({}, [], ordered)).is_unfinished


def test_new_sections_may_stand_behind_new_and_behind_gone_ones() -> None:
    def new(text: str, **where: int) -> dict[str, Any]:
        return {"type": 0, "section": {"type": 1, "text": text}} | where

    changes = {1: {"type": 2}, 2: new("A", after=3), 3: new("B", after=1), 4: new("C")}
    whole = {"to": {"type": 1, "text": "Z"}}
    changes |= {9: {"type": 1, "diff": whole}, 5: new("0", after=0)}
    sections = {1: {"type": 1, "text": "One."}, 9: {"type": 1, "text": "Nine."}}
    assert read_document(made(sections, [1, 9], changes)).text == "0\nB\nA\nZ\nC"


def test_a_story_with_a_document_is_imported_with_a_report() -> None:
    story = {
        "storyContainerVersion": 1,
        "metadata": {"title": "Cwm"},
        "content": {"document": BUNDLED, "context": [{"text": "A mine."}], "storyContentVersion": 6},
    }  # fmt: skip
    imported = import_file(json.dumps(story).encode(), "a.story")
    state = NEW
    for operation in imported.operations:
        state, _ = apply(state, operation)
    assert (state.text("main").text, state.single("memory")) == (TEXT, "A mine.")
    kept = [str(line.what) for line in imported.report.kept]
    assert "1 section without text" in kept
    assert imported.report.dropped == []


def test_damage_anywhere_earns_a_sentence_or_does_no_harm() -> None:
    data, rng = base64.b64decode(UNFINISHED), random.Random(1)
    broken = [data[:end] for end in range(0, len(data), 7)]
    for _ in range(300):
        copy = bytearray(data)
        copy[rng.randrange(len(copy))] = rng.randrange(256)
        broken.append(bytes(copy))
    for one in broken:
        with contextlib.suppress(BadRequest):
            read_document(base64.b64encode(one).decode())


@pytest.mark.parametrize(
    "data",
    [
        b"\x91" * 5000 + b"\x01",
        b"\xdd\xff\xff\xff\xff" + b"\x01" * 1000,
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\x00\x00\x30\x00" + b"\xc0" * 0x3000,
        b"\xd4\x72\x40\x01",
        b"\x92\xd5\x72\x40\x00\x91\xa1a\x01\x40\x05",
        b"\xd6\x62\x00\x00\x00\x04\xc1\x05\xa1a\xa1b",
        b"\xd6\x62\x00\x00\x00\x04" * 1000,
        # A thousand bundles that all name one long string.
        b"\xdc\x03\xe8" + b"".join(
            b"\xd6\x62" + (7 * (1000 - n) - 2).to_bytes(4, "big") + b"\x01" for n in range(1000)
        ) + b"\xa0\xdb\x00\x10\x00\x00" + b"x" * (1 << 20),
    ],
    ids=["deep", "long list", "long map", "many values", "record", "unknown record",
         "short bundle", "bundles in bundles", "bundles"],
)  # fmt: skip
def test_made_up_data_ends_soon(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coblyn.story.interchange.msgpackr._MAX_VALUES", 10_000)
    with pytest.raises(BadRequest, match="is damaged"):
        unpacked(data, "It", STRUCTURED)
