"""conda's linker or compiler in a build with the system's libraries."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import conda_compiler
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: conda_compiler(CAUSE, case))
