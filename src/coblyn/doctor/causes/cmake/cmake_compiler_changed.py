"""A build directory whose compiler was updated or replaced after it was configured."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._toolchain import compiler_changed

CAUSE: Cause = described(__name__, lambda case: compiler_changed(CAUSE, case))
