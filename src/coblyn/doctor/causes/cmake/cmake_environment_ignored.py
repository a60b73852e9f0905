"""CC, CXX or CMAKE_GENERATOR were set after a build directory was configured."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._toolchain import environment_ignored

CAUSE: Cause = described(__name__, lambda case: environment_ignored(CAUSE, case))
