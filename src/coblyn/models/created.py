"""Models that were made from others by settings: a small file each, below the models directory.

``created/NAMESPACE/NAME/TAG.json`` holds the fields of a ``Modelfile``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coblyn import paths
from coblyn.errors import BadRequest, ModelBroken, ModelError, ModelNotFound
from coblyn.files import disk_errors, write_whole
from coblyn.models.modelfile import Modelfile

__all__ = ["Created", "Name", "find", "installed", "remove", "save"]

_NAME = re.compile(
    r"(?:(?P<space>[a-z0-9_][\w.-]*(?:/[a-z0-9_][\w.-]*)?)/)?(?P<stem>[a-z0-9_][\w.-]*)(?::(?P<tag>[a-z0-9_][\w.-]*))?",
    re.ASCII | re.IGNORECASE,
)
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Name:
    """What a model is called: ``[[HOST/]NAMESPACE/]NAME[:TAG]``, in small letters.

    Attributes:
        space: The namespace, with its host if it has one; may be empty.
        stem: The name.
        tag: Which of several; ``latest`` where none is named.
    """

    space: str
    stem: str
    tag: str = "latest"

    @classmethod
    def of(cls, text: str) -> Name:
        """The name that a text is.

        Raises:
            BadRequest: It is none.
        """
        match = _NAME.fullmatch(text)
        if match is None or len(text) > _MAX_NAME:
            raise BadRequest(
                f"{text[:_MAX_NAME]!r} is not a valid model name.",
                field="model",
                hint="A name has letters, digits, '-', '_' and '.', and may have a tag after ':'.",
            )
        space, stem, tag = (str(part or "").lower() for part in match.group("space", "stem", "tag"))
        return cls(space, stem, tag or "latest")

    def __str__(self) -> str:
        return f"{self.space}/{self.stem}:{self.tag}" if self.space else f"{self.stem}:{self.tag}"

    @property
    def path(self) -> Path:
        """Where the model of that name is, if there is one."""
        return _root() / (self.space or "library") / self.stem / f"{self.tag}.json"


@dataclass(frozen=True, slots=True)
class Created:
    """A model that was made.

    Attributes:
        name: What it is called.
        modelfile: What it is.
        modified: When it was made.
        size: Bytes of its file.
    """

    name: Name
    modelfile: Modelfile
    modified: datetime
    size: int


def save(name: Name, modelfile: Modelfile) -> None:
    """Keep a model; one of that name is replaced.

    Raises:
        DiskFull, ModelError: It cannot be written.
    """
    path = name.path
    with disk_errors(path.parent, what=f"Creating {name}", error=ModelError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(modelfile), ensure_ascii=False, indent=2) + "\n")


def find(name: Name) -> Created | None:
    """The model of that name, or None.

    Raises:
        ModelBroken: Its file cannot be understood.
    """
    path = name.path
    try:
        text, state = path.read_text("utf-8"), path.stat()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelBroken(f"{path} cannot be read: {error}.") from error
    modified = datetime.fromtimestamp(state.st_mtime, UTC)
    return Created(name, _modelfile(path, text), modified, state.st_size)


def installed() -> tuple[Created, ...]:
    """All models that were made, by name; files that cannot be understood are left out."""
    found = []
    for path in sorted(_root().glob("**/*.json")):
        space, stem = path.parent.parent.relative_to(_root()).as_posix(), path.parent.name
        try:
            created = find(Name("" if space == "library" else space, stem, path.stem))
        except ModelError:
            continue
        found += [created] if created else []
    return tuple(found)


def remove(name: Name) -> None:
    """Forget a model that was made.

    Raises:
        ModelNotFound: There is none of that name.
        ModelError: It cannot be removed.
    """
    with disk_errors(name.path.parent, what=f"Removing {name}", error=ModelError):
        try:
            name.path.unlink()
        except FileNotFoundError as error:
            raise ModelNotFound(f"There is no model {name}.") from error


def _root() -> Path:
    return paths.models() / "created"


def _modelfile(path: Path, text: str) -> Modelfile:
    try:
        fields: Mapping[str, Any] = json.loads(text)
        stop = fields["parameters"].get("stop")
        return Modelfile(
            base=str(fields["base"]),
            parameters={**fields["parameters"], **({"stop": tuple(stop)} if stop else {})},
            system=str(fields["system"]),
            template=str(fields["template"]),
            adapters=tuple(fields["adapters"]),
            messages=tuple((str(role), str(content)) for role, content in fields["messages"]),
            licenses=tuple(fields["licenses"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelBroken(
            f"{path} does not describe a model.", hint="Create the model again."
        ) from error
