"""Service files as their managers read them."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.daemon import manager
from coblyn.daemon.command import Command
from coblyn.daemon.launchd import agent
from coblyn.daemon.systemd import unit
from coblyn.errors import NotFound, SettingsError
from gguf_file import tiny_gguf

AWKWARD = 'C:\\my "models"/100% $HOME é.gguf'


def make_command(*more: str) -> Command:
    argv = (sys.executable, "-c", "import sys; print(sys.argv[1:])", *more)
    return Command("coblyn", argv, {"COBLYN_HOME": AWKWARD}, stop_seconds=18.2)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "coblyn.service"
    path.write_text(unit(make_command(AWKWARD)))
    command = ["systemd-analyze", "verify", "--user", str(path)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    said = [line for line in done.stderr.splitlines() if "coblyn" in line]
    assert not said, done.stderr
    # It does look: what is wrong is found.
    path.write_text(unit(make_command()).replace("Type=exec", "Type=never"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "never" in done.stderr


def test_nothing_in_a_unit_is_expanded() -> None:
    text = unit(make_command(AWKWARD))
    assert '"C:\\\\my \\"models\\"/100%% $$HOME é.gguf"' in text
    assert 'Environment="COBLYN_HOME=C:\\\\my \\"models\\"/100%% $HOME é.gguf"' in text
    assert "TimeoutStopSec=19" in text
    assert "a\\nb" in unit(make_command("a\nb"))


def test_launchd_reads_the_agent(tmp_path: Path) -> None:
    values = plistlib.loads(agent(make_command(AWKWARD, "<&>"), tmp_path).encode())
    assert values["Label"] == "coblyn.coblyn"
    assert values["ProgramArguments"][-2:] == [AWKWARD, "<&>"]
    assert values["EnvironmentVariables"] == {"COBLYN_HOME": AWKWARD}
    assert values["ExitTimeOut"] == 19
    assert values["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_a_service_is_written_and_removed(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    written = manager.install(make_command(), system)
    assert written.path.is_relative_to(tmp_path)
    assert written.path.read_text() == manager.text_of(make_command(), system)
    assert manager.install(make_command(), system) == written
    assert all("coblyn" in command or "reload" in command for command in written.commands)
    assert manager.remove("coblyn", system).path == written.path
    assert not written.path.exists()
    with pytest.raises(NotFound, match="no service coblyn"):
        manager.remove("coblyn", system)


def test_windows_is_told_so() -> None:
    with pytest.raises(SettingsError, match="systemd and launchd"):
        manager.file_of("coblyn", "win32")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd's file is looked at")
def test_the_command_line(tmp_path: Path) -> None:
    tiny_gguf().write(tmp_path / "a b.gguf")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "coblyn", "service", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=tmp_path,
        )

    assert run("status").returncode == 4
    shown = run("install", "a b.gguf", "--print")
    done = run("install", "a b.gguf")
    path = tmp_path / "config" / "systemd" / "user" / "coblyn.service"
    assert path.read_text() == shown.stdout
    assert f'"--" "{tmp_path}/a b.gguf"' in shown.stdout
    assert "systemctl --user enable --now coblyn" in done.stdout
    assert run("install", "--name", "../x").returncode == 2
    unknown = run("install", "smolm2", "--print")
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert "Did you mean smollm2?" in unknown.stderr
    assert run("install", "smollm2", "--print").returncode == 0, "it is fetched at the first start"
    assert run("status").stdout.startswith(str(path))
    assert run("remove").returncode == 0
    assert not path.exists()
