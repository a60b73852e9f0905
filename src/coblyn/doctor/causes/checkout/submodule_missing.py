"""A git submodule was not fetched, so that its directory is empty."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.checkout._checkout import no_submodule

CAUSE: Cause = described(__name__, lambda case: no_submodule(CAUSE, case))
