"""Packages that provide a missing tool or library, by package manager. Data, and two look-up functions."""

from __future__ import annotations

__all__ = ["PACKAGES", "install", "package_called"]

_COMMANDS = {
    "apt": "sudo apt install {}",
    "dnf": "sudo dnf install {}",
    "pacman": "sudo pacman -S {}",
    "zypper": "sudo zypper install {}",
    "apk": "apk add {}",
    "brew": "brew install {}",
    "winget": "winget install {}",
    "termux": "pkg install {}",
}
_SHOWN = ("apt", "dnf", "pacman", "brew", "winget")

_MSVC = (
    "Microsoft.VisualStudio.2022.BuildTools --override "
    '"--passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)

PACKAGES: dict[str, dict[str, str]] = {
    "cmake": {"apt": "cmake", "dnf": "cmake", "pacman": "cmake", "zypper": "cmake", "apk": "cmake",
        "brew": "cmake", "winget": "Kitware.CMake", "termux": "cmake"},
    "ninja": {"apt": "ninja-build", "dnf": "ninja-build", "pacman": "ninja", "zypper": "ninja", "apk": "ninja",
        "brew": "ninja", "winget": "Ninja-build.Ninja", "termux": "ninja"},
    "make": {"apt": "make", "dnf": "make", "pacman": "make", "zypper": "make", "apk": "make", "termux": "make"},
    "compiler": {"apt": "build-essential", "dnf": "gcc gcc-c++ make", "pacman": "base-devel",
        "zypper": "gcc gcc-c++ make", "apk": "build-base", "winget": _MSVC, "termux": "clang make"},
    "c++": {"apt": "g++", "dnf": "gcc-c++", "pacman": "gcc", "zypper": "gcc-c++", "apk": "g++", "winget": _MSVC,
        "termux": "clang"},
    "gfortran": {"apt": "gfortran", "dnf": "gcc-gfortran", "pacman": "gcc-fortran", "zypper": "gcc-fortran",
        "apk": "gfortran", "brew": "gcc"},
    "git": {"apt": "git", "dnf": "git", "pacman": "git", "zypper": "git", "apk": "git", "brew": "git",
        "winget": "Git.Git", "termux": "git"},
    "glslc": {"apt": "glslc", "dnf": "glslc", "pacman": "shaderc", "zypper": "shaderc", "apk": "shaderc",
        "brew": "shaderc", "winget": "KhronosGroup.VulkanSDK", "termux": "shaderc"},
    "vulkan": {"apt": "libvulkan-dev glslc spirv-headers",
        "dnf": "vulkan-loader-devel vulkan-headers glslc spirv-headers-devel",
        "pacman": "vulkan-headers vulkan-icd-loader shaderc spirv-headers",
        "zypper": "vulkan-devel shaderc spirv-headers",
        "apk": "vulkan-loader-dev vulkan-headers shaderc spirv-headers",
        "brew": "vulkan-headers vulkan-loader shaderc molten-vk spirv-headers", "winget": "KhronosGroup.VulkanSDK",
        "termux": "vulkan-headers vulkan-loader-android shaderc spirv-headers"},
    "spirv-headers": {"apt": "spirv-headers", "dnf": "spirv-headers-devel", "pacman": "spirv-headers",
        "zypper": "spirv-headers", "apk": "spirv-headers", "brew": "spirv-headers",
        "winget": "KhronosGroup.VulkanSDK", "termux": "spirv-headers"},
    "cuda": {"apt": "nvidia-cuda-toolkit", "dnf": "cuda-toolkit", "pacman": "cuda", "winget": "Nvidia.CUDA"},
    "hip": {"apt": "hipcc libamdhip64-dev libhipblas-dev librocblas-dev",
        "dnf": "hipcc rocm-hip-devel hipblas-devel rocblas-devel", "pacman": "rocm-hip-sdk"},
    "curl": {"apt": "libcurl4-openssl-dev", "dnf": "libcurl-devel", "pacman": "curl", "zypper": "libcurl-devel",
        "apk": "curl-dev", "brew": "curl", "termux": "libcurl"},
    "openssl": {"apt": "libssl-dev", "dnf": "openssl-devel", "pacman": "openssl", "zypper": "libopenssl-devel",
        "apk": "openssl-dev", "brew": "openssl", "termux": "openssl"},
    "blas": {"apt": "libopenblas-dev pkg-config", "dnf": "openblas-devel pkgconf-pkg-config",
        "pacman": "openblas pkgconf", "zypper": "openblas-devel pkg-config", "apk": "openblas-dev pkgconf",
        "brew": "openblas pkgconf", "termux": "libopenblas pkg-config"},
    "openmp": {"apt": "libomp-dev", "dnf": "libomp-devel", "pacman": "openmp", "apk": "openmp-dev",
        "brew": "libomp"},
    "opencl": {"apt": "ocl-icd-opencl-dev opencl-headers", "dnf": "ocl-icd-devel opencl-headers",
        "pacman": "ocl-icd opencl-headers", "zypper": "ocl-icd-devel opencl-headers",
        "apk": "opencl-icd-loader-dev opencl-headers", "termux": "opencl-headers ocl-icd"},
    "clblast": {"apt": "libclblast-dev", "dnf": "clblast-devel", "pacman": "clblast", "brew": "clblast"},
    "zlib": {"apt": "zlib1g-dev", "dnf": "zlib-devel", "pacman": "zlib", "zypper": "zlib-devel",
        "apk": "zlib-dev"},
    "zstd": {"apt": "libzstd-dev", "dnf": "libzstd-devel", "pacman": "zstd", "zypper": "libzstd-devel",
        "apk": "zstd-dev", "brew": "zstd"},
    "lz4": {"apt": "liblz4-dev", "dnf": "lz4-devel", "pacman": "lz4", "zypper": "liblz4-devel", "apk": "lz4-dev",
        "brew": "lz4"},
    "bzip2": {"apt": "libbz2-dev", "dnf": "bzip2-devel", "pacman": "bzip2", "zypper": "libbz2-devel",
        "apk": "bzip2-dev"},
    "pkg-config": {"apt": "pkg-config", "dnf": "pkgconf-pkg-config", "pacman": "pkgconf", "zypper": "pkg-config",
        "apk": "pkgconf", "brew": "pkgconf", "termux": "pkg-config"},
    "python": {"apt": "python3-dev", "dnf": "python3-devel", "pacman": "python", "zypper": "python3-devel",
        "apk": "python3-dev", "winget": "Python.Python.3.12", "termux": "python"},
    "msvc": {"winget": _MSVC},
    "openmp-runtime": {"apt": "libgomp1", "dnf": "libgomp", "pacman": "gcc-libs", "zypper": "libgomp1",
        "apk": "libgomp", "brew": "libomp"},
    "blas-runtime": {"apt": "libopenblas0", "dnf": "openblas", "pacman": "openblas", "zypper": "libopenblas0",
        "apk": "openblas", "brew": "openblas"},
    "vulkan-runtime": {"apt": "libvulkan1 mesa-vulkan-drivers", "dnf": "vulkan-loader mesa-vulkan-drivers",
        "pacman": "vulkan-icd-loader", "zypper": "libvulkan1", "apk": "vulkan-loader",
        "brew": "vulkan-loader molten-vk"},
    "curl-runtime": {"apt": "libcurl4", "dnf": "libcurl", "pacman": "curl", "zypper": "libcurl4", "apk": "libcurl",
        "brew": "curl"},
    "numa": {"apt": "libnuma-dev", "dnf": "numactl-devel", "pacman": "numactl", "apk": "numactl-dev"},
    "sqlite": {"apt": "libsqlite3-dev", "dnf": "sqlite-devel", "pacman": "sqlite", "apk": "sqlite-dev",
        "brew": "sqlite"},
    "readline": {"apt": "libreadline-dev", "dnf": "readline-devel", "pacman": "readline", "apk": "readline-dev",
        "brew": "readline"},
    "ncurses": {"apt": "libncurses-dev", "dnf": "ncurses-devel", "pacman": "ncurses", "apk": "ncurses-dev",
        "brew": "ncurses"},
    "sdl2": {"apt": "libsdl2-dev", "dnf": "SDL2-devel", "pacman": "sdl2", "apk": "sdl2-dev", "brew": "sdl2"},
    "xxd": {"apt": "xxd", "dnf": "vim-common", "pacman": "tinyxxd", "apk": "xxd"},
    "nasm": {"apt": "nasm", "dnf": "nasm", "pacman": "nasm", "apk": "nasm", "brew": "nasm"},
    "bison": {"apt": "bison", "dnf": "bison", "pacman": "bison", "apk": "bison", "brew": "bison"},
    "flex": {"apt": "flex", "dnf": "flex", "pacman": "flex", "apk": "flex", "brew": "flex"},
    "perl": {"apt": "perl", "dnf": "perl", "pacman": "perl", "apk": "perl"},
    "unzip": {"apt": "unzip", "dnf": "unzip", "pacman": "unzip", "apk": "unzip"},
    "wget": {"apt": "wget", "dnf": "wget", "pacman": "wget", "apk": "wget", "brew": "wget"},
    "ccache": {"apt": "ccache", "dnf": "ccache", "pacman": "ccache", "apk": "ccache", "brew": "ccache"},
    "spawn": {"termux": "libandroid-spawn"},
    "xz": {"apt": "liblzma-dev", "dnf": "xz-devel", "pacman": "xz", "zypper": "xz-devel", "apk": "xz-dev",
        "brew": "xz", "termux": "liblzma"},
    "ffi": {"apt": "libffi-dev", "dnf": "libffi-devel", "pacman": "libffi", "zypper": "libffi-devel",
        "apk": "libffi-dev", "brew": "libffi", "termux": "libffi"},
    "uuid": {"apt": "uuid-dev", "dnf": "libuuid-devel", "pacman": "util-linux-libs", "zypper": "libuuid-devel",
        "apk": "util-linux-dev"},
    "x11": {"apt": "libx11-dev", "dnf": "libX11-devel", "pacman": "libx11", "zypper": "libX11-devel",
        "apk": "libx11-dev", "brew": "libx11"},
    "boost": {"apt": "libboost-all-dev", "dnf": "boost-devel", "pacman": "boost", "apk": "boost-dev",
        "brew": "boost", "termux": "boost-headers"},
    "eigen": {"apt": "libeigen3-dev", "dnf": "eigen3-devel", "pacman": "eigen", "zypper": "eigen3-devel",
        "apk": "eigen-dev", "brew": "eigen", "termux": "eigen"},
    "pybind11": {"apt": "pybind11-dev", "dnf": "pybind11-devel", "pacman": "pybind11", "apk": "py3-pybind11-dev",
        "brew": "pybind11"},
    "ffmpeg": {"apt": "libavcodec-dev libavformat-dev libavutil-dev libswscale-dev", "dnf": "ffmpeg-free-devel",
        "pacman": "ffmpeg", "apk": "ffmpeg-dev", "brew": "ffmpeg", "termux": "ffmpeg"},
    "opencv": {"apt": "libopencv-dev", "dnf": "opencv-devel", "pacman": "opencv", "zypper": "opencv-devel",
        "apk": "opencv-dev", "brew": "opencv"},
    "protobuf": {"apt": "libprotobuf-dev protobuf-compiler", "dnf": "protobuf-devel protobuf-compiler",
        "pacman": "protobuf", "zypper": "protobuf-devel", "apk": "protobuf-dev", "brew": "protobuf"},
    "alsa": {"apt": "libasound2-dev", "dnf": "alsa-lib-devel", "pacman": "alsa-lib", "zypper": "alsa-devel",
        "apk": "alsa-lib-dev"},
}  # fmt: skip
# Names that pkg-config and CMake's find_package use for the packages above, in lower case.
_ALIASES = {
    "libcurl": "curl", "libssl": "openssl", "libcrypto": "openssl", "openblas": "blas", "cblas": "blas",
    "openmp_c": "openmp", "openmp_cxx": "openmp", "pkgconfig": "pkg-config", "hipblas": "hip", "rocblas": "hip",
    "libzstd": "zstd", "liblz4": "lz4", "liblzma": "xz", "libffi": "ffi", "sqlite3": "sqlite", "ncursesw": "ncurses",
    "eigen3": "eigen", "libavcodec": "ffmpeg", "libavformat": "ffmpeg", "libavutil": "ffmpeg", "libswscale": "ffmpeg",
    "opencv4": "opencv",
}  # fmt: skip


def package_called(name: str) -> str:
    """Name in `PACKAGES` for a name used by pkg-config, CMake or the shell; empty if there is none."""
    found = _ALIASES.get(name.lower(), name.lower())
    return found if found in PACKAGES else ""


def install(package: str, system: str) -> tuple[str, str]:
    """How to install a package.

    Args:
        package: A name in `PACKAGES`; any other name counts as unknown.
        system: Name of a package manager; empty if unknown.

    Returns:
        The command (empty if the system is unknown), and a sentence that lists the ways on common
        systems (empty if the command is sufficient).
    """
    names = PACKAGES.get(package, {})
    if system in names:
        return _COMMANDS[system].format(names[system]), ""
    ways = [_COMMANDS[each].format(names[each]) for each in _SHOWN if each in names]
    return "", f"Install it: {', or '.join(ways)}." if ways else ""
