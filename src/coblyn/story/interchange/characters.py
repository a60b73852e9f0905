"""Cards on their way into a story."""

from __future__ import annotations

from dataclasses import replace

from coblyn.story.cards.card import Card, read_card
from coblyn.story.cards.file import CardFile
from coblyn.story.changes import Change
from coblyn.story.interchange.books import add_book, digest_of
from coblyn.story.interchange.pictures import add_assets, shown
from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.macros import Names, filled
from coblyn.story.operation import Edit, Operation, Put
from coblyn.story.phrases import phrase
from coblyn.story.state import MAIN
from coblyn.story.text import Text

__all__ = ["import_card"]


def import_card(file: CardFile) -> Imported:
    """A character: its card as it was, and its own lore beside it."""
    card = file.card
    writer = Writer(phrase("format_card", version=card.version))
    name = digest_of(file.raw)
    fields = [field for field in card.texts if card.text(field)]
    note = phrase("given", text=", ".join(["name", *fields]))
    about = {"card": dict(file.raw)} | shown(name, file)
    if read_card(file.raw).name != card.name:
        about["name"] = card.name
    writer.put(f"characters/{name}", about, phrase("card", name=card.name), note)
    add_assets(writer, name, file)
    greetings = len(card.greetings) + len(card.group_greetings)
    if greetings:
        writer.understood("greetings", phrase("num", n=greetings))
    if card.book is not None:
        add_book(writer, card.book, card.name, {"source": "character", "character": name})
    writer.report.notes += file.notes
    return replace(writer.done(), beginning=_beginning(card))


def _beginning(card: Card) -> tuple[Operation, ...]:
    """A chat that begins with the card's greeting; its other greetings are takes of that."""
    names = Names(card.called, "You")
    greetings = [filled(text, names) for text in card.greetings]
    about: list[Operation] = [Put("title", card.name), Put("mode", "chat")]
    if not greetings:
        return tuple(about)
    text = Text.of(f"{card.called}: ").plus(Text.of(greetings[0], "greeting"))
    takes = [
        Put(f"takes/greeting-{number}", {"slot": "greeting", "text": other})
        for number, other in enumerate(greetings[1:], 1)
    ]
    return (*about, Edit(MAIN, (Change(0, 0, text),)), *takes)
