"""An accelerator that is requested, but whose tools CMake did not find."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import accelerator_missing
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: accelerator_missing(CAUSE, case))
