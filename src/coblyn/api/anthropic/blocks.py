"""Content blocks of Anthropic's messages, and the text that each of them is to a chat template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["Block", "joined_text", "text_of_block", "to_blocks"]

Block = Mapping[str, Any]

_NO_IMAGE = "[An image stood here, which this model cannot see.]"


def to_blocks(content: object, field: str) -> list[Block]:
    """The blocks of a content: a string is one block of text, and null is none.

    Args:
        content: What the client sent.
        field: Where it stood, for error messages, such as ``messages[2].content``.

    Raises:
        BadRequest: It is something else.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise BadRequest(f"{field} must be a string or a list of blocks.", field=field)
    for index, block in enumerate(content):
        if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            where = f"{field}[{index}]"
            raise BadRequest(f"{where} must be an object with a type.", field=where)
    return content


def joined_text(content: object, field: str, *, is_result: bool = False) -> str:
    """All text of a content; blocks are told apart by an empty line.

    Args:
        content: A string, blocks or null.
        field: Where it stood.
        is_result: It is what a tool answered: an image in it becomes a remark, since a refusal would end the
            conversation for good.

    Raises:
        BadRequest: As ``to_blocks`` and ``text_of_block`` say.
    """
    blocks = to_blocks(content, field)
    if is_result:
        blocks = [_without_image(block) for block in blocks]
    texts = [text_of_block(block, f"{field}[{index}]") for index, block in enumerate(blocks)]
    return "\n\n".join(filter(None, texts))


def text_of_block(block: Block, field: str) -> str:
    """The text that a block is; empty for blocks that are only of use to Anthropic's own servers.

    Raises:
        BadRequest: It is an image, or a document that cannot be read.
    """
    read = _READERS.get(block["type"])
    return read(block, field) if read else ""


def _text(block: Block, field: str) -> str:
    text = block.get("text")
    if not isinstance(text, str):
        raise BadRequest(f"{field}.text must be a string.", field=f"{field}.text")
    return text


def _image(_: Block, field: str) -> str:
    raise BadRequest(f"{field} is an image, and this model reads text only.", field=field)


def _document(block: Block, field: str) -> str:
    source = block.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else None
    if isinstance(source, Mapping) and kind == "text":
        body = _string(source.get("data"), f"{field}.source.data")
    elif isinstance(source, Mapping) and kind == "content":
        body = joined_text(source.get("content"), f"{field}.source.content")
    else:
        raise BadRequest(
            f"{field} is a document of type {kind!r}, which cannot be read.",
            field=field,
            hint="Send its text: a source of type text or content.",
        )
    return _with_head(block, ("title", "context"), body)


def _search_result(block: Block, field: str) -> str:
    return _with_head(
        block, ("title", "source"), joined_text(block.get("content"), f"{field}.content")
    )


def _with_head(block: Block, names: tuple[str, ...], body: str) -> str:
    head = [text for name in names if isinstance(text := block.get(name), str) and text]
    return "\n".join([*head, body])


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{field} must be a string.", field=field)
    return value


def _without_image(block: Block) -> Block:
    return {"type": "text", "text": _NO_IMAGE} if block["type"] == "image" else block


_READERS: Mapping[str, Callable[[Block, str], str]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}
