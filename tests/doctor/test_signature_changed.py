"""Names of C++ functions without their arguments."""

from __future__ import annotations

import pytest

from coblyn.doctor.causes.stale.signature_changed import qualified_name


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_Z3runi", "run"),
        ("__Z10engine_runRK6paramsi", "engine_run"),
        ("_ZN5codec4openERKNS_7optionsE", "codec::open"),
        ("_ZNK5codec4sizeEv", "codec::size"),
        ("codec::open(codec::options const&)", "codec::open"),
        ("engine_run", ""),
        ("_Z", ""),
        ("_Z999a", "a"),
        ("", ""),
    ],
)
def test_qualified_name(symbol: str, name: str) -> None:
    assert qualified_name(symbol) == name
