"""``coblyn create``: makes a model from another by the settings in a Modelfile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.modelfile import Modelfile

__all__ = ["create"]


def create(
    name: Annotated[str, typer.Argument(help="Name of the new model: NAME or NAME:TAG.")],
    file: Annotated[
        Path, typer.Option("--file", "-f", help="The Modelfile; - for standard input.")
    ] = Path("Modelfile"),
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Make a model from another by a Modelfile: system text, parameters, messages."""
    from coblyn.models.make import make
    from coblyn.models.modelfile import read_modelfile

    modelfile = _with_adapters(read_modelfile(_text(file)), file)
    for warning in _warnings(modelfile):
        print(shown(warning), file=sys.stderr)
    whole = make(name, modelfile, _below(modelfile.base))
    if as_json:
        import json

        print(json.dumps({"name": str(whole), "from": modelfile.base, "path": str(whole.path)}))
    else:
        print(shown(f"{whole} is made from {modelfile.base}."))


def _text(file: Path) -> str:
    from coblyn.errors import BadRequest
    from coblyn.files import read_text

    try:
        return sys.stdin.read() if str(file) == "-" else read_text(file)
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.", field="file") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is not UTF-8 text.", field="file") from error


def _with_adapters(modelfile: Modelfile, file: Path) -> Modelfile:
    """Resolve the adapters' paths, which are relative to the Modelfile, and check them against the model.

    Raises:
        ModelError: A file is not an adapter, or is for another model.
    """
    from dataclasses import replace

    from coblyn.models.adapter import check_adapter
    from coblyn.models.gguf import read_header
    from coblyn.models.names import file_of

    place = Path() if str(file) == "-" else file.parent
    adapters = tuple(str((place / each).absolute()) for each in modelfile.adapters)
    model = file_of(modelfile.base) if adapters else None
    for adapter in adapters if model else ():
        assert model, "there are adapters"
        check_adapter(Path(adapter), read_header(model))
    return replace(modelfile, adapters=adapters)


def _below(base: str) -> Modelfile:
    """The settings of the local model that another is made from.

    Raises:
        ModelNotFound: There is no such model.
    """
    from coblyn.models import created, store
    from coblyn.models.created import Name
    from coblyn.models.modelfile import Modelfile
    from coblyn.models.names import file_of, stored_file

    if stored_file(base):
        return Modelfile(base)
    if file_of(base) is None:
        raise store.not_found(base)
    found = created.find(Name.of(base))
    assert found, "it has a file"
    return found.modelfile


def _warnings(modelfile: Modelfile) -> list[str]:
    """Warnings about settings that are stored but ignored.

    Raises:
        BadRequest: A parameter is out of range, or has a wrong type.
    """
    from coblyn.api.ollama.options import read_options

    found: dict[str, str] = {}
    read_options(modelfile.parameters, found, context=2**31)
    told = [f"{name.removeprefix('options.')}: {why}" for name, why in found.items()]
    told += [f"{name.upper()} has no meaning here." for name, _ in modelfile.ignored]
    if modelfile.template:
        told.append("TEMPLATE is stored and shown; the model's own chat template is used.")
    return told
