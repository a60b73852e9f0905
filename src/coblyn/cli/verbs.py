"""The verbs and the help page, which is shown without importing anything else."""

from __future__ import annotations

__all__ = ["ALONE", "DESCRIPTION", "SAME", "VERBS", "overview"]

DESCRIPTION = "Run GGUF language models at the full speed of your own machine."

ALONE = "Without a command it opens the writing page in the browser."

VERBS = {
    "serve": "Serve a model: the writing page, and KoboldAI's and OpenAI's API.",
    "run": "Answer a prompt in the terminal, or chat.",
    "pull": "Download a model, or continue an interrupted download.",
    "search": "Search models on Hugging Face.",
    "show": "Show what a model is, what it can do, and what memory it takes.",
    "verify": "Verify the files of models.",
    "create": "Make a model from another by a Modelfile.",
    "models": "List local models, or delete one.",
    "quantize": "Write a smaller file of a model, in fewer bits per weight.",
    "imatrix": "Read a text to learn which inputs of a model's weights matter.",
    "compare": "Measure how far a model is from another, on a text.",
    "convert": "Convert a model in safetensors to GGUF.",
    "split": "Write a model as several files.",
    "merge": "Write the files of a split model as one.",
    "fit": "Show the memory a model takes, and what fits, without loading it.",
    "presets": "List presets of generation parameters.",
    "sample": "Show candidates for the next token after each sampler.",
    "key": "Make, list and remove API keys for programs on other machines.",
    "connect": "Connect another program to the server, or undo that.",
    "mcp": "Offer a server's models to programs that speak MCP.",
    "service": "Write the file by which systemd or launchd runs the server.",
    "build": "Build the native engine, or choose among the engines built.",
    "pack": "Gather what a machine without a network needs.",
    "doctor": "Explain a failed build, and prove what accelerates this machine.",
    "bench": "Measure prefill and decode, compared with the bare C loop.",
}
"""Each verb's summary, at most 66 characters. The verb ``name`` is the function ``name`` in ``coblyn/cli/name.py``."""

SAME = {
    "list": ("models",),
    "ls": ("models",),
    "remove": ("models", "--remove"),
    "rm": ("models", "--remove"),
}
"""What other programs call a verb of ours, with its arguments."""

_OPTIONS = {
    "--version": "Print the version.",
    "--verbose": "Show what the engine and the builds log.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or\ncustomize the installation.",
    "-h, --help": "Show this message and exit.",
}


def overview() -> str:
    """The output of ``coblyn --help``; the parser would need a tenth of a second for the same."""
    usage = "Usage: coblyn [OPTIONS] COMMAND [ARGS]..."
    options = _table("Options", _OPTIONS)
    return f"{usage}\n\n  {DESCRIPTION}\n\n  {ALONE}\n\n{options}\n{_table('Commands', VERBS)}"


def _table(title: str, rows: dict[str, str]) -> str:
    width = max(map(len, rows)) + 4
    indented = "\n" + " " * width
    lines = (f"  {name}".ljust(width) + text.replace("\n", indented) for name, text in rows.items())
    return "\n".join((f"{title}:", *lines)) + "\n"
