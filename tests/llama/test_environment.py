from __future__ import annotations

from coblyn.llama.environment import changes, engine_environment


def test_environment() -> None:
    users = {
        "GGML_CUDA_DISABLE_GRAPHS": "1",
        "LLAMA_ARG_CTX_SIZE": "7",
        "GGML_VK_VISIBLE_DEVICES": "1",
        "PATH": "/bin",
        "GLIBC_TUNABLES": "mine",
    }
    assert changes(users)["GGML_CUDA_DISABLE_GRAPHS"] is None
    assert "PATH" not in changes(users)
    made = engine_environment(users)
    assert made.keys() >= {"PATH", "GGML_VK_VISIBLE_DEVICES", "GGML_NO_BACKTRACE"}
    assert not made.keys() & {"GGML_CUDA_DISABLE_GRAPHS", "LLAMA_ARG_CTX_SIZE"}
    assert made["GLIBC_TUNABLES"] == "mine"
