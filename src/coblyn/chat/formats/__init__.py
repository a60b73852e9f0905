"""The formats of models' tool calls, one per module; the chat template identifies a model's format."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.chat.formats.apertus import APERTUS
from coblyn.chat.formats.cohere import COMMAND_R, COMMAND_R_PLUS
from coblyn.chat.formats.deepseek import DEEPSEEK
from coblyn.chat.formats.format import Format
from coblyn.chat.formats.functionary import FUNCTIONARY, FUNCTIONARY_BLOCKS
from coblyn.chat.formats.gemma import FUNCTION_GEMMA, GEMMA
from coblyn.chat.formats.generic import GENERIC
from coblyn.chat.formats.glm import GLM
from coblyn.chat.formats.harmony import HARMONY
from coblyn.chat.formats.hermes import HERMES
from coblyn.chat.formats.invokes import DSML, MINICPM, MINIMAX
from coblyn.chat.formats.json_list import (
    APRIEL,
    FIREFUNCTION,
    GIGACHAT,
    GRANITE,
    NEMOTRON,
    PHI,
)
from coblyn.chat.formats.kimi import KIMI
from coblyn.chat.formats.llama3 import LLAMA3
from coblyn.chat.formats.mistral import MISTRAL
from coblyn.chat.formats.muse import MUSE
from coblyn.chat.formats.nested import MINIMAX_NESTED
from coblyn.chat.formats.pythonic import LFM2, OLMO3
from coblyn.chat.formats.qwen_xml import QWEN_XML, SEED
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.xtml import KIMI_XTML

__all__ = ["FORMATS", "GENERIC", "NO_FORMAT", "format_of"]

FORMATS: Sequence[Format] = (
    MISTRAL,
    HARMONY,
    MUSE,
    FUNCTIONARY_BLOCKS,
    FUNCTIONARY,
    KIMI,
    KIMI_XTML,
    COMMAND_R,
    COMMAND_R_PLUS,
    LFM2,
    MINIMAX_NESTED,
    MINIMAX,
    DSML,
    MINICPM,
    OLMO3,
    DEEPSEEK,
    GEMMA,
    FUNCTION_GEMMA,
    SEED,
    NEMOTRON,
    APRIEL,
    APERTUS,
    GIGACHAT,
    GLM,
    QWEN_XML,
    GRANITE,
    HERMES,
    PHI,
    FIREFUNCTION,
    LLAMA3,
)
"""All formats, in order of detection: templates of earlier ones may contain signs of later ones."""

NO_FORMAT = Format("none", lambda template: True, Tagged({}))  # noqa: ARG005
"""The format of replies without calls: reasoning and content."""


def format_of(template: str) -> Format:
    """The format of a model that has this chat template."""
    return next((each for each in FORMATS if each.is_of(template)), GENERIC)
