"""Identifies files that are not GGUF by their first bytes."""

from __future__ import annotations

from pathlib import Path

from coblyn.files import human_size

__all__ = ["describe_file", "describe_start"]

_SAMPLE = 512
_AGAIN = "Download it again; `coblyn pull` resumes and checks."
_CONVERT = "Get the model as GGUF, or convert it with llama.cpp's convert_hf_to_gguf.py."

_MAGICS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive (a PyTorch checkpoint or a wheel)", _CONVERT),
    (b"\x80\x02", "a Python pickle (a PyTorch checkpoint)", _CONVERT),
    (b"\x80\x04", "a Python pickle (a PyTorch checkpoint)", _CONVERT),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first."),
    (b"\x89HDF", "an HDF5 file", _CONVERT),
    (b"\x7fELF", "a program for Linux", ""),
    (b"MZ", "a program for Windows", ""),
    (b"lmgg", "a model in the GGML format of 2023, which is no longer read", _CONVERT),
    (b"fmgg", "a model in the GGMF format of 2023, which is no longer read", _CONVERT),
    (b"tjgg", "a model in the GGJT format of 2023, which is no longer read", _CONVERT),
    (b"algg", "a LoRA adapter in the format of 2023, which is no longer read", _CONVERT),
)


def describe_file(path: Path) -> tuple[str, str]:
    """`describe_start` for the beginning of a file."""
    with path.open("rb") as file:
        return describe_start(file.read(_SAMPLE), path.stat().st_size)


def describe_start(start: bytes, size: int) -> tuple[str, str]:
    """Identify a file and suggest what to do.

    Args:
        start: Its first bytes.
        size: Size of the whole file in bytes.

    Returns:
        A phrase that follows "is not a GGUF file but", and a hint; both may be empty.
    """
    if size == 0:
        return "empty", _AGAIN
    for magic, phrase, hint in _MAGICS:
        if start.startswith(magic):
            return phrase, hint
    if len(start) > 9 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < size:
        return "a safetensors file", _CONVERT
    if start.startswith(b"version https://git-lfs"):
        return _describe_pointer(start)
    if start.count(0) == len(start):
        return "a file that begins with zeros, as an unfinished download does", _AGAIN
    return _describe_text(start)


def _describe_pointer(start: bytes) -> tuple[str, str]:
    words = start.split()
    size = words[words.index(b"size") + 1 :][:1] if b"size" in words else []
    is_known = bool(size) and size[0].isdigit() and len(size[0]) < 20
    rest = f" (the model has {human_size(int(size[0]))})" if is_known else ""
    return f"a Git LFS pointer{rest}", "Run `git lfs pull` in its repository, or download the file."


def _describe_text(start: bytes) -> tuple[str, str]:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "a web page", "The address led to a page (a login, or an error) instead of the file."
    if text.startswith((b"{", b"[")):
        return "a JSON text", ""
    return "", ""
