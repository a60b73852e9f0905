"""LangChain: a few lines of Python."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.plan import Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]

_CODE = """from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model={model!r},
    base_url={url!r},
    api_key={key!r},
)
print(model.invoke("Who knocks in the mine?").content)
"""


def _plan(target: Target, _: Path) -> Plan:
    code = _CODE.format(model=target.model, url=target.openai, key=target.some_key)
    return Plan(steps=("Run: pip install langchain-openai",), snippet=code)


CLIENT = Client("langchain", "LangChain", _plan)
