"""Which instruction sets go when a proof fails, and how many builds it takes to know."""

from __future__ import annotations

import pytest

from coblyn.crash import Crash
from coblyn.native.fault import Fault, FaultKind
from coblyn.native.mend import Mended, Removable, mend
from coblyn.native.sets import groups, present, variants, variants_with, with_dependents

ARCH = "x86-64"
ALL = Removable(ARCH, tuple(group.name for group in groups(ARCH)))
WRONG = Fault(FaultKind.WRONG, "product of q4_1", "The numbers are wrong.", error=0.3)
UD2 = Crash("SIGILL", 0x7F00, 0x100, bytes.fromhex("0f0b") + bytes(14), "/b/libggml-cpu.so")
TILEZERO = Crash("SIGILL", 1, 1, bytes.fromhex("c4e27b49c0") + bytes(11), "/b/libggml-cpu.so")


def crash(crash: Crash, variant: str = "") -> Fault:
    return Fault(FaultKind.CRASH, "product of q4_0", "It died.", crash=crash, variant=variant)


class Builder:
    """Builds that fail as long as they use one of some groups."""

    def __init__(self, *bad: str, fault: Fault = WRONG, arch: str = ARCH) -> None:
        self._bad = frozenset(bad)
        self._fault = fault
        self._arch = arch
        self.built: list[frozenset[str]] = []

    def __call__(self, without: frozenset[str]) -> Fault | None:
        self.built.append(without)
        return None if self._bad <= with_dependents(self._arch, without) else self._fault


def run(builder: Builder, fault: Fault = WRONG, removable: Removable = ALL, *before: str) -> Mended:
    return mend(fault, frozenset(before), removable, builder)


def test_the_set_of_the_instruction_goes_at_once() -> None:
    builder = Builder("amx")
    mended = run(builder, crash(TILEZERO))
    assert builder.built == [frozenset({"amx"})]
    assert mended.fault is None
    assert mended.without == {"amx"}
    (repair,) = mended.repairs
    assert repair.instruction == "tilezero tmm0"
    assert repair.left_out == ("amx",)
    assert repair.num_attempts == 1
    assert repair.sentence(ARCH) == (
        "This engine does without AMX: a build that used it did not pass its proof "
        "(product of q4_0: it died at tilezero tmm0)."
    )


def test_a_second_fault_is_mended_as_well() -> None:
    vnni = crash(Crash("SIGILL", 1, 1, bytes.fromhex("62f27d4850c1") + bytes(10), "/b/lib.so"))
    builder = Builder("avx512_vnni", fault=vnni)
    mended = run(builder, crash(TILEZERO))
    assert mended.without == {"amx", "avx512_vnni"}
    assert [repair.left_out for repair in mended.repairs] == [("amx",), ("avx512_vnni",)]
    assert len(builder.built) == 2


@pytest.mark.parametrize("bad", ALL.groups)
@pytest.mark.parametrize("fault", [WRONG, crash(UD2), crash(Crash("SIGSEGV"))])
def test_without_a_name_the_one_set_is_found_in_few_builds(bad: str, fault: Fault) -> None:
    builder = Builder(bad, fault=fault)
    mended = run(builder, fault)
    assert mended.fault is None
    assert with_dependents(ARCH, mended.without) == with_dependents(ARCH, {bad})
    # What the directory holds is what was proved.
    assert with_dependents(ARCH, builder.built[-1]) == with_dependents(ARCH, mended.without)
    assert mended.repairs[0].left_out == (bad,)
    assert len(builder.built) <= 5
    assert mended.repairs[0].num_attempts == len(builder.built)


def test_newer_sets_that_are_right_stay() -> None:
    mended = run(Builder("avx512_vbmi"))
    assert mended.without == {"avx512_vbmi"}


def test_two_bad_sets_both_go() -> None:
    builder = Builder("avx512_bf16", "avx512_vbmi")
    mended = run(builder)
    assert mended.fault is None
    assert mended.without == {"amx", "avx512_bf16", "avx512_vnni", "avx512_vbmi"}
    assert builder.built[-1] == mended.without


def test_what_was_left_out_before_stays_out() -> None:
    builder = Builder("avx2")
    mended = run(builder, WRONG, ALL, "amx")
    assert all("amx" in without for without in builder.built)
    assert mended.without >= {"amx", "avx2"}
    assert mended.repairs[0].left_out == ("avx2",)


def test_a_fault_that_no_set_causes_is_given_up() -> None:
    builder = Builder("something else")
    mended = run(builder)
    assert mended.fault is WRONG
    assert mended.repairs == ()
    assert with_dependents(ARCH, builder.built[-1]) == set(ALL.groups)
    assert len(builder.built) <= 4


def test_nothing_to_leave_out_is_given_up_without_a_build() -> None:
    builder = Builder("avx")
    assert run(builder, WRONG, Removable("riscv64", ())).fault is WRONG
    assert builder.built == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.FAILED, "opening", "A library is missing."),
        crash(Crash("SIGSEGV", 1, 1, b"", "/b/libggml-cuda.so")),
        crash(Crash("SIGABRT", 1, 1, b"", "/usr/lib/libcuda.so.1")),
    ],
)
def test_what_other_code_can_not_help_is_not_built_again(fault: Fault) -> None:
    builder = Builder("amx")
    assert run(builder, fault).fault is fault
    assert builder.built == []


def test_a_hang_is_halved_too() -> None:
    hang = Fault(FaultKind.HANG, "product of q8_0", "It took too long.")
    assert run(Builder("avx512_vnni", fault=hang), hang).without == {"avx512_vnni"}


class TestPortable:
    """All variants are there, and one fails."""

    PORTABLE = Removable(ARCH, ALL.groups, variants(ARCH))

    @pytest.mark.parametrize(
        "fault",
        [
            crash(Crash("SIGILL", 1, 1, TILEZERO.code, "/b/libggml-cpu-sapphirerapids.so")),
            crash(UD2, "libggml-cpu-sapphirerapids.so"),
            Fault(FaultKind.WRONG, "p", "w", variant="ggml-cpu-sapphirerapids.dll"),
            Fault(FaultKind.HANG, "p", "h", variant="libggml-cpu-sapphirerapids.so"),
        ],
    )
    def test_that_one_goes(self, fault: Fault) -> None:
        built = []

        def attempt(without: frozenset[str]) -> Fault | None:
            built.append(without)
            return None

        mended = mend(fault, frozenset(), self.PORTABLE, attempt)
        assert mended.without == {"sapphirerapids"}
        assert variants_with(ARCH, mended.without) == ("sapphirerapids",)
        assert len(built) == 1

    def test_one_after_the_other_goes_until_nothing_is_left(self) -> None:
        def attempt(without: frozenset[str]) -> Fault | None:
            rest = [name for name in variants(ARCH) if name not in without]
            last = rest[-1] if rest else "x64"
            return Fault(FaultKind.WRONG, "p", "w", variant=f"libggml-cpu-{last}.so")

        first = attempt(frozenset())
        assert first is not None
        mended = mend(first, frozenset(), self.PORTABLE, attempt)
        assert mended.fault is not None
        assert set(variants(ARCH)) <= mended.without

    def test_a_dotted_name_is_read(self) -> None:
        portable = Removable("arm64", (), variants("arm64"))
        fault = Fault(FaultKind.WRONG, "p", "w", variant="libggml-cpu-armv8.6_1.so")
        mended = mend(fault, frozenset(), portable, lambda _: None)
        assert mended.without == {"armv8.6_1"}

    def test_our_own_kernel_is_not_the_variants_fault(self) -> None:
        fault = crash(
            Crash("SIGILL", 1, 1, bytes.fromhex("62f27d4850c1"), "/b/libcoblyn_kernels.so"),
            "libggml-cpu-icelake.so",
        )
        assert mend(fault, frozenset(), self.PORTABLE, lambda _: None).without == {"avx512_vnni"}


def test_the_processors_groups_come_newest_first() -> None:
    names = [group.name for group in present(ARCH, ("avx", "avx2", "avx512f", "amx_tile"))]
    assert names == ["amx", "avx512", "avx2", "avx"]
    assert present(ARCH, ()) == groups(ARCH)
    assert present("riscv64", ("v",)) == ()
