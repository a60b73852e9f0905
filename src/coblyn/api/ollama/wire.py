"""The request bodies of Ollama's generation routes, and their conversion to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coblyn.api.adapters import LORA, choices_of_files
from coblyn.api.constraint import BOUND, bind
from coblyn.api.guidance import report_guidance
from coblyn.api.hosted import described
from coblyn.api.ids import TokenIds
from coblyn.api.ollama.conversation import read_images, read_messages
from coblyn.api.ollama.options import read_options
from coblyn.api.wishes import Wishes, filled
from coblyn.chat.attachment import attached
from coblyn.chat.messages import Message, read_tools
from coblyn.chat.reasoning import reasoning_of
from coblyn.errors import BadRequest
from coblyn.service.command import AnyPrompt, ChatPrompt, GenerateCommand, InfillPrompt, TextPrompt
from coblyn.service.inventory import Item
from coblyn.service.tool_rounds import HostedTool

__all__ = ["TalkInput", "WriteInput", "WritingInput"]

_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "max": "high"}
"""Ollama's effort levels, and those of chat templates."""


class WritingInput(BaseModel):
    """Fields of both kinds of generation; null means "not given" everywhere."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, defer_build=True)

    model: str = Field(
        min_length=1,
        description="A name from /api/tags. If only one model is loaded, it answers to any name.",
    )
    stream: bool | None = Field(None, description="The answer is a stream unless this is false.")
    format: Any = Field(None, description="json, or a JSON schema.")
    options: dict[str, Any] | None = Field(
        None, description="Generation parameters by Ollama's names, or KoboldAI's."
    )
    think: bool | str | None = Field(None, description="true, false, low, medium, high or max.")
    keep_alive: Any = Field(None, description="How long a model loaded on demand is kept.")
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    lora: Any = Field(None, description=LORA)

    @property
    def is_whole(self) -> bool:
        """Whether the answer is one object instead of a stream."""
        return self.stream is False

    def command(
        self,
        prompt: AnyPrompt,
        item: Item,
        body: Mapping[str, Any],
        wishes: Wishes,
        warnings: dict[str, str],
        *,
        keeps_tokens: bool = False,
    ) -> GenerateCommand:
        """The command for this body.

        Args:
            prompt: The prompt.
            item: The model; it must be loaded.
            body: The parsed JSON body.
            wishes: Presets and defaults.
            warnings: Collects ignored fields.
            keeps_tokens: Whether the tokens are needed afterwards.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        assert item.model, "it is loaded"
        given = filled(self.options or {}, item.modelfile.parameters)
        wanted = {**wishes.of({**given, "preset": body.get("preset") or given.get("preset")})}
        unknown: dict[str, str] = {}
        options = read_options(
            wanted,
            unknown,
            context=item.model.engine.info.context,
            logprobs=(self.top_logprobs or 0) if self.logprobs else None,
        )
        warnings |= {
            name: why for name, why in unknown.items() if name.removeprefix("options.") in given
        }
        command = GenerateCommand(
            prompt,
            max_tokens=options.max_tokens,
            sampling=options.sampling,
            stop=options.stop,
            keeps_tokens=keeps_tokens,
            model=item.answers_as,
        )
        made = {"lora": choices_of_files(item.modelfile.adapters)} if item.is_made else {}
        bound = {name: value for name, value in wanted.items() if name in BOUND}
        told = {**made, **bound, **body, "response_format": self._response_format()}
        warnings |= report_guidance({**wanted, **told})
        return bind(command, told)

    def variables(self, item: Item) -> tuple[tuple[str, Any], ...]:
        """Template variables for reasoning; none if the client leaves it to the model.

        Raises:
            BadRequest: The model does not reason, or the effort level is unknown.
        """
        assert item.model, "it is loaded"
        if self.think is None:
            return ()
        if isinstance(self.think, str) and self.think not in _EFFORTS:
            raise BadRequest(
                f"think must be true, false or one of {', '.join(_EFFORTS)}.", field="think"
            )
        if self.think and not reasoning_of(item.model.engine.info.chat_template):
            raise BadRequest(f'"{self.model}" does not support thinking', field="think")
        is_on = bool(self.think)
        found: dict[str, Any] = {"enable_thinking": is_on, "thinking": is_on}
        if isinstance(self.think, str):
            found["reasoning_effort"] = _EFFORTS[self.think]
        return tuple(found.items())

    def _response_format(self) -> Any:
        if self.format in (None, ""):
            return None
        if self.format == "json":
            return {"type": "json_object"}
        if isinstance(self.format, dict):
            return {"type": "json_schema", "json_schema": {"schema": self.format}}
        raise BadRequest("format must be json or a JSON schema.", field="format")


class WriteInput(WritingInput):
    """Body of ``/api/generate``."""

    prompt: str | None = None
    suffix: str | None = Field(None, description="The text after the gap to fill.")
    system: str | None = None
    template: str | None = Field(
        None, description="Ignored: it is a Go template, and the model's own template is used."
    )
    context: TokenIds | None = Field(None, description="The context of an earlier answer.")
    raw: bool | None = Field(None, description="Whether to use the prompt without a template.")
    images: list[Any] | None = Field(None, description="Base64 files of images or sounds.")

    def to_prompt(
        self, item: Item, warnings: dict[str, str]
    ) -> ChatPrompt | TextPrompt | InfillPrompt:
        """The prompt for this body.

        Args:
            item: The model.
            warnings: Collects ignored fields.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        media = read_images(self.images, "images")
        text = attached(media, self.prompt or "")
        if self.suffix:
            assert item.model, "it is loaded"
            if item.model.engine.info.infill is None:
                raise BadRequest(f'"{self.model}" does not support insert', field="suffix")
            return InfillPrompt(self.prompt or "", self.suffix)
        if self.raw:
            if self.system or self.template or self.context:
                raise BadRequest(
                    "raw mode does not support template, system, or context", field="raw"
                )
            return TextPrompt(text, media=media)
        if self.template or item.modelfile.template:
            warnings["template"] = "The model's own chat template was used."
        settings = item.modelfile
        system = settings.system if self.system is None else self.system
        messages = [Message("system", system)] if system else []
        messages += [Message(role, text) for role, text in settings.messages]
        messages.append(Message("user", text, media=media))
        return ChatPrompt(
            tuple(messages), variables=self.variables(item), before=tuple(self.context or ())
        )


class TalkInput(WritingInput):
    """Body of ``/api/chat``."""

    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = Field(
        None,
        description="Functions, and tools that run here: type mcp, and server_label with the name of a tool server.",
    )

    def to_prompt(
        self, item: Item, warnings: dict[str, str], hosted: Sequence[HostedTool] = ()
    ) -> ChatPrompt:
        """The conversation; a last message of the assistant is continued.

        Args:
            item: The model.
            warnings: Collects ignored fields.
            hosted: Requested tools on this server.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        settings, said = item.modelfile, read_messages(self.messages or [])
        if settings.template:
            warnings["template"] = "The model's own chat template was used."
        before = [Message(role, text) for role, text in settings.messages]
        if settings.system and not (said and said[0].role == "system"):
            before.insert(0, Message("system", settings.system))
        messages = (*before, *said)
        last = messages[-1]
        return ChatPrompt(
            messages,
            continues_last=last.role == "assistant" and not last.tool_calls,
            variables=self.variables(item),
            tools=read_tools(self.tools, hosted=described(hosted)),
        )
