"""``coblyn show``: what a model is, where it is from, what it can do, and what memory it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from coblyn.models.modelfile import Modelfile

__all__ = ["show"]

_ORIGINS = {
    "file": "the file's own",
    "beside": "set right beside the file",
    "family": "none in the file; that of its family is used",
}


def show(
    model: Annotated[
        str, typer.Argument(help="A GGUF file, or a name or alias of `coblyn models`.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Show what a model is, what it can do, and what memory it takes."""
    from coblyn.checkup.portrait import portray
    from coblyn.engine.beside import find_projector
    from coblyn.models import store
    from coblyn.models.check import check_model
    from coblyn.models.names import made_of, names_of, stored_file
    from coblyn.settings.own import own_settings

    made = None if stored_file(model) else made_of(model)
    path = check_model(store.find(made.base if made else model)).path
    projector = find_projector(path)
    facts: dict[str, Any] = {
        **portray(path, projector).to_json(),
        "name": _name(path),
        "projector": str(projector or ""),
        "source": _source(path),
        "made": _made(made),
        "settings": own_settings(names_of(path)),
        "memory": _memory(path),
    }
    if as_json:
        import json

        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        width = max(len(label) for label, _ in _rows(facts))
        print(shown("\n".join(f"{label:{width}}  {text}" for label, text in _rows(facts))))


def _rows(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from coblyn.files import human_size

    files = f" in {facts['num_files']} files" if facts["num_files"] > 1 else ""
    yield "name", facts["name"]
    if facts["title"]:
        yield "title", facts["title"]
    yield "file", f"{facts['path']} ({human_size(facts['size'])}{files})"
    yield "from", facts["source"]["from"] or "unknown"
    yield "digest", facts["source"]["sha256"] or "unknown"
    yield "license", facts["license"] or "not named"
    yield "architecture", facts["architecture"]
    yield "parameters", f"{facts['num_parameters']:,} in {facts['quantization']}"
    shape = f"{facts['num_layers']} layers of width {facts['width']}"
    yield "shape", f"{shape}, {facts['num_tokens']} tokens in the vocabulary"
    yield "context", f"{facts['context']} tokens" if facts["context"] else "not named"
    yield (
        "can",
        ", ".join(facts["capabilities"]) or "guess tokens for the model that it was made for",
    )
    if facts["template"]:
        yield "template", _told_template(facts["template"])
    if facts["heads"]:
        yield "heads", facts["heads"]
    if facts["projector"]:
        yield "projector", facts["projector"]
    for each in facts["overrides"]:
        yield "set right", each
    for name, value in {**facts["made"], **facts["settings"]}.items():
        yield name, str(value)
    yield "memory", facts["memory"]["told"]


def _told_template(facts: dict[str, Any]) -> str:
    tools = f"; calls of tools: {facts['format']}" if facts["has_tools"] else "; shows no tools"
    reasoning = f"; reasons behind {facts['reasoning']}" if facts["reasoning"] else ""
    return _ORIGINS[facts["origin"]] + tools + reasoning


def _name(path: Path) -> str:
    from coblyn.models import store
    from coblyn.models.splits import plain_name

    return next(
        (each.name for each in store.installed() if each.path == path), plain_name(path.name)
    )


def _source(path: Path) -> dict[str, str]:
    from coblyn.models import digests
    from coblyn.models.catalogue import CATALOGUE
    from coblyn.models.neighbours import find_all
    from coblyn.models.verify import known_digest

    sha256 = known_digest(path)
    entry = next((each for each in CATALOGUE.values() if each.sha256 == sha256), None)
    neighbour = next((each for each in find_all() if each.path == path), None)
    origin = digests.origin(path)
    if entry and not origin:
        origin = f"{entry.alias} of the catalogue; published at {entry.source}"
    if neighbour:
        origin = f"{neighbour.program}: {neighbour.name}"
    return {"from": origin, "sha256": sha256}


def _made(made: Modelfile | None) -> dict[str, Any]:
    """What a model is made from, and with which settings."""
    if made is None:
        return {}
    said = {
        "made from": made.base,
        "parameters set": dict(made.said),
        "system": made.system,
        "adapters": list(made.adapters),
    }
    return {name: value for name, value in said.items() if value}


def _memory(path: Path) -> dict[str, Any]:
    """What it takes with the user's settings, as ``coblyn fit`` has it; of a head, what it adds to its model."""
    from dataclasses import replace

    from coblyn.cli.engine import with_own_settings
    from coblyn.cli.variants import settings_here
    from coblyn.files import human_size
    from coblyn.fit.fitting import survey
    from coblyn.fit.words import outcome
    from coblyn.models.check import writes
    from coblyn.models.eagle import read_eagle
    from coblyn.models.gguf import read_header
    from coblyn.models.overrides import corrected

    if head := read_eagle(path):
        told = f"{head.told_memory}: give it to one as its draft_model"
        return {"needed": head.size, "context": 0, "is_estimate": True, "told": told}
    config = replace(
        settings_here(), model=str(path), embeds=not writes(corrected(read_header(path)))
    )
    config = with_own_settings(config)
    answer = survey(config, "choose")
    about = "about " if answer.wish.is_estimate else ""
    need, context = human_size(answer.wish.total), answer.wish.context
    told = f"{about}{need} with a context of {context} tokens. {outcome(answer)}"
    return {
        "needed": answer.wish.total,
        "context": answer.wish.context,
        "is_estimate": answer.wish.is_estimate,
        "fits": answer.config is not None,
        "told": told,
    }
