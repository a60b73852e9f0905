"""Content blocks of Anthropic's messages, and their text for chat templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coblyn.chat.attachment import Attachment, Content, read_address, read_base64
from coblyn.errors import BadRequest

__all__ = ["Block", "content_of_blocks", "joined_content", "joined_text", "to_blocks"]

Block = Mapping[str, Any]

_NO_IMAGE = "[An image stood here, which this model cannot see.]"
"""Replaces an image in a tool's result; refusing the request would make the conversation unusable."""


def to_blocks(content: object, field: str) -> list[Block]:
    """The blocks of a content field: a string is one text block, and null is none.

    Args:
        content: The field's value.
        field: Its path for error messages, such as ``messages[2].content``.

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


def joined_text(content: object, field: str) -> str:
    """All text of a content field without images; blocks are separated by an empty line.

    Raises:
        BadRequest: See ``to_blocks``; or a block is an image, or a document that cannot be read.
    """
    found = content_of_blocks(_located(content, field))
    if found.media:
        where = found.media[0].field
        raise BadRequest(f"{where}: there can be no image here.", field=where)
    return found.text


def joined_content(content: object, field: str, *, is_result: bool = False) -> Content:
    """All text and images of a content field.

    Args:
        content: A string, blocks or null.
        field: Its path for error messages.
        is_result: Whether it is a tool's result.

    Raises:
        BadRequest: See ``to_blocks``; or a block cannot be read.
    """
    return content_of_blocks(_located(content, field), is_result=is_result)


def content_of_blocks(blocks: Iterable[tuple[Block, str]], *, is_result: bool = False) -> Content:
    """The text and the images of blocks, each with its path.

    Blocks that only concern Anthropic's servers are ignored.

    Raises:
        BadRequest: One cannot be read.
    """
    texts: list[str] = []
    media: list[Attachment] = []
    for block, field in blocks:
        if block["type"] == "image" and is_result and not _is_readable(block):
            texts.append(_NO_IMAGE)
        elif block["type"] == "image":
            media.append(_image(block, field, instead=_NO_IMAGE if is_result else ""))
            texts.append(media[-1].mark)
        elif read := _READERS.get(block["type"]):
            texts.append(read(block, field))
    return Content("\n\n".join(filter(None, texts)), tuple(media))


def _located(content: object, field: str) -> list[tuple[Block, str]]:
    blocks = to_blocks(content, field)
    return [(block, f"{field}[{index}]") for index, block in enumerate(blocks)]


def _text(block: Block, field: str) -> str:
    text = block.get("text")
    if not isinstance(text, str):
        raise BadRequest(f"{field}.text must be a string.", field=f"{field}.text")
    return text


def _image(block: Block, field: str, *, instead: str) -> Attachment:
    where = f"{field}.source"
    source = block.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else None
    if isinstance(source, Mapping) and kind == "base64":
        return read_base64(source.get("data"), f"{where}.data", "image", instead=instead)
    if isinstance(source, Mapping) and kind == "url":
        return read_address(source.get("url"), f"{where}.url", "image", instead=instead)
    raise BadRequest(
        f"{field} is an image with a source of type {kind!r}, which cannot be read.",
        field=where,
        hint="Send a source of type base64.",
    )


def _is_readable(image: Block) -> bool:
    try:
        return bool(_image(image, "", instead=_NO_IMAGE).data)
    except BadRequest:
        return False


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


_READERS: Mapping[str, Callable[[Block, str], str]] = {
    "text": _text,
    "document": _document,
    "search_result": _search_result,
}
