"""``coblyn verify``: verifies models' files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.verify import Verified

__all__ = ["verify"]


def verify(
    model: Annotated[
        str | None, typer.Argument(help="A GGUF file, or a name of `coblyn models`. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Check files, tensors and known digests of models; ends with 1 if one is damaged."""
    from coblyn.cli.bar import bar
    from coblyn.models import store
    from coblyn.models.verify import verify as verify_model

    files = [store.find(model)] if model else [each.path for each in store.installed()]
    with bar() as report:
        found = [verify_model(path, report) for path in files]
    if as_json:
        print(json.dumps([_facts(each) for each in found], indent=2))
    else:
        for each in found:
            print(shown(_line(each)))
    if any(each.problem for each in found):
        raise typer.Exit(1)


def _line(verified: Verified) -> str:
    if verified.problem:
        return f"{verified.path.name}: {verified.problem}"
    files = f"{verified.num_files} files, " if verified.num_files > 1 else ""
    digest = "digest right" if verified.num_digests else "no digest known"
    return f"{verified.path.name}: whole; {files}{verified.num_tensors} tensors, {digest}"


def _facts(verified: Verified) -> dict[str, object]:
    return {
        "path": str(verified.path),
        "is_whole": not verified.problem,
        "problem": verified.problem,
        "files": verified.num_files,
        "tensors": verified.num_tensors,
        "digests": verified.num_digests,
    }
