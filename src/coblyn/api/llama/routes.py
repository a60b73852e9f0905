"""Tokens, templates and facts in llama-server's format."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn import __version__
from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.constraint import bind
from coblyn.api.llama.prompts import mixed_ids
from coblyn.api.llama.slots import slot_of
from coblyn.api.llama.wire import LlamaDetokenizeInput, LlamaTokenizeInput
from coblyn.api.openai.wire import CHAT_BODY, ChatInput
from coblyn.api.route import Routes
from coblyn.chat.attachment import MEDIA_WORD, unmarked
from coblyn.service.command import ChatPrompt

__all__ = ["routes"]

routes = Routes()


@routes.post("/tokenize", "Text to tokens", LlamaTokenizeInput, {"content": "Good morning!"})
async def tokenize(call: Call) -> Response:
    """Token ids of a text; with pieces also each one's text, or its bytes if it is part of a character."""
    wanted = validated(LlamaTokenizeInput, await call.json())
    given = wanted.content if isinstance(wanted.content, list) else [wanted.content]
    tokens = call.model.tokens
    ids = await mixed_ids(
        list(given),
        tokens,
        field="content",
        starts=bool(wanted.add_special),
        parses=wanted.parse_special is not False,
    )
    if not wanted.with_pieces:
        return JSONResponse({"tokens": ids})
    pieces = await tokens.pieces(ids)
    named = [
        {"id": token, "piece": _piece(piece)} for token, piece in zip(ids, pieces, strict=True)
    ]
    return JSONResponse({"tokens": named})


@routes.post("/detokenize", "Tokens to text", LlamaDetokenizeInput, {"tokens": [1, 2, 3]})
async def detokenize(call: Call) -> Response:
    """The text of token ids."""
    wanted = validated(LlamaDetokenizeInput, await call.json())
    return JSONResponse({"content": await call.model.tokens.to_text(wanted.tokens, special=True)})


@routes.post(
    "/apply-template",
    "The prompt of a conversation",
    CHAT_BODY,
    {"messages": [{"role": "user", "content": "Good morning!"}]},
)
async def apply_template(call: Call) -> Response:
    """The text that a chat completion with this body would continue."""
    body = await call.json()
    wanted = validated(ChatInput, body)
    prompt = bind(wanted.to_commands({}, 1)[0], body).prompt
    assert isinstance(prompt, ChatPrompt), "chats are made of messages"
    async with call.services.models.acquire(wanted.model or "") as model:
        rendered = await model.prompts.render(prompt)
    return JSONResponse({"prompt": unmarked(rendered.text)})


@routes.get("/props", "Facts of the model")
async def props(call: Call) -> Response:
    """The chat template, the default settings, and how many requests run at a time."""
    info = call.model.engine.info
    return JSONResponse(
        {
            "default_generation_settings": slot_of(0, info, is_processing=False),
            "total_slots": info.max_running,
            "model_alias": call.model.awaited_name,
            "model_path": info.path.replace("\\", "/").rpartition("/")[2],
            "chat_template": info.chat_template,
            "chat_template_warning": call.model.prompts.template_warning or None,
            "chat_template_caps": {},
            "overrides": list(info.overrides),
            "bos_token": info.bos,
            "eos_token": info.eos,
            "modalities": {"vision": "image" in info.media, "audio": "sound" in info.media},
            "media_marker": MEDIA_WORD,
            "build_info": f"coblyn {__version__} {info.bundle}".strip(),
            "is_sleeping": False,
        }
    )


def _piece(piece: bytes) -> str | list[int]:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
