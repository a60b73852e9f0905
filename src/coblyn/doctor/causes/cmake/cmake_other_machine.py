"""A build directory that was configured on, or for, a machine of another kind."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._toolchain import other_machine

CAUSE: Cause = described(__name__, lambda case: other_machine(CAUSE, case))
