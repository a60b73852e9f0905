"""Models made from others by settings: one small file each, in the models directory.

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
    """A model's name: ``[[HOST/]NAMESPACE/]NAME[:TAG]``, in lower case.

    Attributes:
        space: The namespace, including the host if there is one; may be empty.
        stem: The name.
        tag: The tag; ``latest`` by default.
    """

    space: str
    stem: str
    tag: str = "latest"

    @classmethod
    def of(cls, text: str) -> Name:
        """Parse a name.

        Raises:
            BadRequest: It is not a valid name.
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
        """The path for a model of this name, whether or not it exists."""
        return _root() / (self.space or "library") / self.stem / f"{self.tag}.json"


@dataclass(frozen=True, slots=True)
class Created:
    """A model made from another.

    Attributes:
        name: Its name.
        modelfile: Its settings.
        modified: When it was made.
        size: Size of its file in bytes.
    """

    name: Name
    modelfile: Modelfile
    modified: datetime
    size: int


def save(name: Name, modelfile: Modelfile) -> None:
    """Store a model, replacing one of the same name.

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
        ModelBroken: Its file cannot be parsed.
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
    """All models made from others, by name; unreadable files are left out."""
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
    """Delete a model made from another.

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
