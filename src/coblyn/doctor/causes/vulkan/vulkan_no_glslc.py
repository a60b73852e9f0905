"""The Vulkan backend without its shader compiler."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._machine import no_glslc
from coblyn.doctor.causes._table import described

CAUSE: Cause = described(__name__, lambda case: no_glslc(CAUSE, case))
