"""Makes a model from another by settings."""

from __future__ import annotations

from coblyn.errors import BadRequest
from coblyn.models import created
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.names import stored_file

__all__ = ["make"]


def make(name: str, modelfile: Modelfile, below: Modelfile) -> Name:
    """Store a model made from another.

    Args:
        name: Its name.
        modelfile: Its settings.
        below: The settings of the model that it is made from.

    Raises:
        BadRequest: The name is invalid or that of a file, or a setting is not supported.
        DiskFull, ModelError: It cannot be written.
    """
    whole = Name.of(name)
    if stored_file(name):
        raise BadRequest(
            f"{name} is a model's file, and stays as it is.",
            field="model",
            hint="Choose another name.",
        )
    created.save(whole, modelfile.over(below))
    return whole
