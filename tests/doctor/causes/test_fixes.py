"""What a fix tells the user to type: packages that there are, and no more of a log than may stand in a shell."""

from __future__ import annotations

import io

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.causes._libraries import _PACKAGES, _SYMBOLS
from coblyn.doctor.causes._package import _ALIASES, PACKAGES
from coblyn.doctor.causes.cmake import cmake_package_missing
from coblyn.doctor.causes.compiler import header_missing
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Fix
from coblyn.doctor.log.reader import read_log


def fix_of(text: str, cause: str) -> Fix:
    finding = examine(Case(log=read_log(io.BytesIO(text.encode())))).findings[0]
    assert finding.cause == cause
    return finding.fix


@pytest.mark.parametrize(
    ("cause", "log", "command"),
    [
        (
            "shared-library-outdated",
            "./app: symbol lookup error: ./$(reboot): undefined symbol: engine_run\n",
            "ldd './$(reboot)'",
        ),
        (
            "shared-library-outdated",
            "./app: symbol lookup error: ./libengine.so: undefined symbol: engine_run\n",
            "ldd ./libengine.so",
        ),
        (
            "git-dubious-ownership",
            "fatal: detected dubious ownership in repository at '/srv/my tree'\n",
            "git config --global --add safe.directory '/srv/my tree'",
        ),
        (
            "makefile-local",
            (
                "$(reboot).mk:3: warning: overriding recipe for target 'app'\n"
                "Makefile:9: warning: ignoring old recipe for target 'app'\nmake: *** [app] Error 1\n"
            ),
            "mv '$(reboot).mk' '$(reboot).mk.aside' && make clean",
        ),
    ],
)
def test_a_log_can_not_put_words_into_the_shell(cause: str, log: str, command: str) -> None:
    assert fix_of(log, cause).command == command


def test_every_package_that_a_table_names_is_known() -> None:
    named = {package for _, package, _ in header_missing._OF}
    named |= {library.package for _, library in _SYMBOLS}
    named |= {*_PACKAGES.values(), *_ALIASES.values(), *cmake_package_missing._WITHOUT}
    assert named - {""} <= set(PACKAGES)


def test_pkg_config_s_names_lead_to_packages() -> None:
    log = "Debian\nPackage openblas was not found in the pkg-config search path.\nmake: *** [app] Error 1\n"
    assert (
        fix_of(log, "pkg-config-package").command == "sudo apt install libopenblas-dev pkg-config"
    )


ASKED = "main.o: in function `main':\nmain.c:(.text+0x5): undefined reference to `{}'\ncollect2: error: ld returned 1\n"
MSVC = "main.obj : error LNK2019: unresolved external symbol {} referenced in function main\n"


@pytest.mark.parametrize(
    ("log", "command", "words"),
    [
        ("Ubuntu\n" + ASKED.format("cblas_sgemm"), "sudo apt install libopenblas-dev pkg-config", "-lopenblas"),
        ("AppleClang\n" + ASKED.format("cblas_sgemm"), "brew install openblas pkgconf", "-framework Accelerate"),
        ("pacman\n" + ASKED.format("cblas_sgemm"), "sudo pacman -S cblas", "-lcblas"),
        ("gcc main.o -lopenblas\n" + ASKED.format("cblas_sgemm"), "", "-lcblas"),
        ("/data/data/com.termux/files\n" + ASKED.format("cblas_sgemm"), "pkg install libopenblas", "-DGGML_BLAS=ON"),
        ("w64devkit\n" + ASKED.format("cblas_sgemm"), "", "mingw-w64-ucrt-x86_64-openblas"),
        ("w64devkit\n" + ASKED.format("WSAStartup"), "", "-lws2_32"),
        ("sh: pkg-config: not found\n" + ASKED.format("cblas_sgemm"), "", "asks pkg-config"),
        ("/opt/ndk/27/clang\n" + ASKED.format("vkCreateInstance"), "", "built for Android"),
        ("go-link-1/go.o\n" + ASKED.format("cblas_sgemm"), "", "CGO_LDFLAGS"),
        (MSVC.format("curl_easy_init"), "", "vcpkg install curl:x64-windows"),
        (MSVC.format("WSAStartup"), "", "in the link: ws2_32.lib"),
    ],
)  # fmt: skip
def test_a_library_comes_in_the_way_of_the_system(log: str, command: str, words: str) -> None:
    fix = fix_of(log, "library-not-linked")
    assert fix.command == command
    assert words in fix.text
