"""Do the generated bindings, the reference and the engine agree on the ABI?"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.errors import AbiMismatch
from coblyn.llama import abi, bindings

ROOT = Path(__file__).resolve().parents[2]

# Sizes of llama.cpp 0.5.0 on 64-bit machines, as its own headers gave them to a C compiler.
SIZES = {
    "llama_model_params": 80,
    "llama_context_params": 160,
    "llama_model_quantize_params": 64,
    "llama_batch": 56,
    "llama_token_data": 12,
    "llama_token_data_array": 32,
    "llama_sampler_i": 96,
    "llama_model_kv_override": 264,
    "llama_model_tensor_buft_override": 16,
    "llama_sampler_seq_config": 16,
    "llama_chat_message": 16,
    "llama_embd": 24,
    "llama_model_imatrix_data": 24,
    "llama_logit_bias": 8,
    "llama_sampler_chain_params": 1,
    "llama_perf_context_data": 48,
    "llama_perf_sampler_data": 16,
    "ggml_backend_dev_caps": 5,
    "ggml_backend_dev_props": 56,
    "ggml_threadpool_params": 528,
    "ggml_init_params": 24,
}

OFFSETS = {
    "llama_model_params": (
        "devices@0 tensor_buft_overrides@8 n_gpu_layers@16 split_mode@20 load_mode@24 lazy_mode@28 "
        "main_gpu@32 tensor_split@40 progress_callback@48 progress_callback_user_data@56 "
        "kv_overrides@64 vocab_only@72 check_tensors@73 use_extra_bufts@74 no_host@75 no_alloc@76 "
        "load_mtp@77"
    ),
    "llama_context_params": (
        "n_ctx@0 n_batch@4 n_ubatch@8 n_seq_max@12 n_rs_seq@16 n_outputs_max@20 "
        "n_outputs_max_per_seq@24 n_threads@28 n_threads_batch@32 ctx_type@36 "
        "rope_scaling_type@40 pooling_type@44 attention_type@48 flash_attn_type@52 "
        "rope_freq_base@56 rope_freq_scale@60 yarn_ext_factor@64 yarn_attn_factor@68 "
        "yarn_beta_fast@72 yarn_beta_slow@76 yarn_orig_ctx@80 defrag_thold@84 cb_eval@88 "
        "cb_eval_user_data@96 type_k@104 type_v@108 abort_callback@112 abort_callback_data@120 "
        "embeddings@128 offload_kqv@129 no_perf@130 op_offload@131 swa_full@132 kv_unified@133 "
        "samplers@136 n_samplers@144 ctx_other@152"
    ),
    "llama_model_quantize_params": (
        "nthread@0 ftype@4 output_tensor_type@8 token_embedding_type@12 allow_requantize@16 "
        "quantize_output_tensor@17 only_copy@18 pure@19 keep_split@20 dry_run@21 imatrix@24 "
        "kv_overrides@32 tt_overrides@40 prune_layers@48 max_buf_size@56"
    ),
    "llama_model_kv_override": "tag@0 key@4 val_i64@136 val_f64@136 val_bool@136 val_str@136",
    "ggml_threadpool_params": "cpumask@0 n_threads@512 prio@516 poll@520 strict_cpu@524 paused@525",
}


def group(name: str) -> dict[str, str]:
    """One line of the layout as a mapping."""
    line = next(row for row in abi.layout().splitlines() if row.startswith(f"{name} "))
    return dict(pair.split("=") for pair in line.split()[1:])


@pytest.mark.parametrize(("struct", "size"), SIZES.items())
def test_size(struct: str, size: int) -> None:
    """A struct that C passes by value or fills has exactly C's size."""
    kind = getattr(bindings, struct)
    assert ctypes.sizeof(kind) == size
    if kind in bindings.STRUCTS:
        assert group(struct)["sizeof"] == str(size)


@pytest.mark.parametrize(("struct", "places"), OFFSETS.items())
def test_offsets(struct: str, places: str) -> None:
    """The fields lie where C puts them, and there are no others."""
    found = group(struct)
    del found["sizeof"]
    listed = " ".join(f"{name}@{place.split('+')[0]}" for name, place in found.items())
    assert listed == places


def test_every_struct_is_in_the_layout() -> None:
    """No Structure of the bindings escapes the check."""
    defined = {
        name
        for name, kind in vars(bindings).items()
        if isinstance(kind, type) and issubclass(kind, ctypes.Structure) and name != "Structure"
    }
    # The library tells what it read of this one: see Product.
    defined.remove("ggml_init_params")
    assert defined == {struct.__name__ for struct in bindings.STRUCTS}
    assert defined <= {line.split()[0] for line in abi.layout().splitlines()}


def test_functions_are_the_live_ones() -> None:
    """All 219 functions of llama.h are there that are not deprecated, and none that is."""
    names = [name for name in bindings.FUNCTIONS if name.startswith("llama_")]
    assert len(names) == 219
    assert "llama_load_model_from_file" not in names
    assert bindings.CPU_FUNCTIONS.issubset(bindings.FUNCTIONS)


def test_equal_layouts_pass() -> None:
    """A library that was built from the same headers is accepted."""
    abi.check(abi.layout())


@pytest.mark.parametrize(
    ("old", "new", "item", "values"),
    [
        (" abort_callback=112+8", " abort_callback=120+8", "abort_callback", ("120+8", "112+8")),
        (" kv_unified=133+1", " kv_unified=133+4", "kv_unified", ("133+4", "133+1")),
        (" ctx_other=152+8", "", "ctx_other", ("nothing", "152+8")),
        (" ctx_other=152+8", " ctx_other=152+8 moe=160+8", "moe", ("160+8", "nothing")),
        (" ctx_other=152+8 sizeof=160", " ctx_other=152+8 sizeof=168", "sizeof", ("168", "160")),
    ],
)
def test_a_moved_field_is_named(old: str, new: str, item: str, values: tuple[str, str]) -> None:
    """The message names struct, field, the engine's value and ours, and says what to do."""
    head, mark, rest = abi.layout().partition("llama_context_params")
    assert old in mark + rest
    with pytest.raises(AbiMismatch) as caught:
        abi.check(head + (mark + rest).replace(old, new, 1))
    theirs, ours = values
    expected = f"llama_context_params.{item} is {theirs} in the engine, but {ours} in the bindings."
    assert caught.value.message == expected
    assert "coblyn build --force" in caught.value.hint


def test_the_first_difference_is_named() -> None:
    """A changed constant comes before all structs that it may have changed."""
    text = abi.layout().replace("GGML_TYPE_COUNT=43", "GGML_TYPE_COUNT=44").replace("+8", "+9")
    with pytest.raises(
        AbiMismatch, match=r"constants\.GGML_TYPE_COUNT is 44 in the engine, but 43"
    ):
        abi.check(text)


def test_the_field_that_moved_comes_before_the_size_that_grew() -> None:
    """A field that was put in between is found at the next one, not by the size of the whole."""
    text = abi.layout().replace(" abort_callback=112+8", " abort_callback=120+8")
    with pytest.raises(AbiMismatch, match=r"llama_context_params\.abort_callback is 120\+8"):
        abi.check(text.replace("ctx_other=152+8 sizeof=160", "ctx_other=160+8 sizeof=168"))


@pytest.mark.parametrize("text", ["", "\n\n", "no layout at all", "= ==\n\0", "scalars bool"])
def test_any_other_text_is_a_mismatch(text: str) -> None:
    """What is not a layout is refused like a wrong one."""
    with pytest.raises(AbiMismatch):
        abi.check(text)


def test_an_unknown_struct_is_a_mismatch() -> None:
    """A shim of another release may know more than we do."""
    with pytest.raises(AbiMismatch, match="llama_new_params"):
        abi.check(abi.layout() + "llama_new_params sizeof=8\n")


def default_params() -> tuple[bindings.llama_model_params, bindings.llama_context_params]:
    """The parameters as the pinned library fills them in."""
    model = bindings.llama_model_params(**abi.MODEL_DEFAULTS)
    return model, bindings.llama_context_params(**abi.CONTEXT_DEFAULTS)


def test_defaults_pass() -> None:
    """The values of the pinned release are accepted."""
    abi.check_defaults(*default_params())


@pytest.mark.parametrize(
    ("which", "name", "value"),
    [
        (0, "n_gpu_layers", 999),
        (0, "load_mtp", True),
        (0, "tensor_split", ctypes.pointer(ctypes.c_float(1))),
        (1, "swa_full", False),
        (1, "n_outputs_max_per_seq", 0),
        (1, "yarn_beta_fast", 32.0),
        (1, "ctx_other", 8),
    ],
)
def test_a_changed_default_is_named(which: int, name: str, value: object) -> None:
    """Every field is looked at, pointers too."""
    params = default_params()
    setattr(params[which], name, value)
    with pytest.raises(AbiMismatch, match=rf"{type(params[which]).__name__}\.{name} is "):
        abi.check_defaults(*params)


@pytest.mark.native
def test_the_engine_agrees(bundle) -> None:
    """The bundle's own compiler saw what the bindings say."""
    kinds = {".so", ".dylib", ".dll"}
    [shim] = [file for file in bundle.lib_dir.glob("*coblyn_shim*") if file.suffix in kinds]
    tell = ctypes.CDLL(str(shim)).coblyn_abi
    tell.restype = ctypes.c_char_p
    text = tell().decode()
    abi.check(text)
    assert text == abi.layout()


@pytest.mark.native
def test_generated_files_are_current(tmp_path: Path, pinned_tree: Path) -> None:
    """Bindings and probe are what the generator writes from the pinned headers."""
    pytest.importorskip("clang.cindex", reason="libclang is not installed")
    new = {"--bindings": tmp_path / "bindings.py", "--probe": tmp_path / "abi.cpp"}
    command = [sys.executable, str(ROOT / "scripts/gen_bindings.py"), "--source", str(pinned_tree)]
    subprocess.run([*command, *(str(part) for pair in new.items() for part in pair)], check=True)
    committed = ROOT / "src/coblyn/llama/bindings.py", ROOT / "src/coblyn/native/shim/abi.cpp"
    for file, made in zip(committed, new.values(), strict=True):
        assert file.read_text("utf-8") == made.read_text("utf-8"), f"run {command[1]}"
