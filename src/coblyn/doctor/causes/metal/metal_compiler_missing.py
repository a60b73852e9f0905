"""The compiler of Metal shaders, which only full Xcode has."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import no_metal_compiler
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: no_metal_compiler(CAUSE, case))
