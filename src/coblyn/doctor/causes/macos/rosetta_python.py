"""An Intel Python, conda or CMake on Apple silicon."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import translated_python
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: translated_python(CAUSE, case))
