"""A program starts, and a library that it needs is not found."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_OBJECT = r": cannot open shared object file"

CAUSE = log_cause(
    "shared-library-missing",
    "A library that the program needs is not found when it starts",
    sign(
        r"(?P<name>libcuda\.so\.1)" + _OBJECT,
        "{name} comes with the NVIDIA driver, and there is none here.",
        text="Start the container with the GPU (docker run --gpus all) or install the driver; on a machine without "
        "a GPU, use a build for the CPU.",
    ),
    sign(
        r"(?P<name>lib(?:cudart|cublas|cublasLt|nvrtc|cufft|curand|cusparse|cudnn|"
        r"nvJitLink)\S{0,20}\.so[\d.]*)" + _OBJECT,
        "{name} belongs to the CUDA toolkit of the very version that the program was built with.",
        text="Install that CUDA version's runtime (pip has it as nvidia-cuda-runtime-cu12 and nvidia-cublas-cu12), "
        "or a build for the version that is here; LD_LIBRARY_PATH must lead to it.",
        command="export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH",
    ),
    sign(
        r"(?P<name>lib(?:amdhip64|hipblas|rocblas|hipblaslt|rocsolver|hsa-runtime64)\.so[\d.]*)"
        + _OBJECT,
        "{name} belongs to ROCm of the very version that the program was built with.",
        command="export LD_LIBRARY_PATH=/opt/rocm/lib:$LD_LIBRARY_PATH",
    ),
    sign(
        r"(?P<name>lib(?:gomp|omp|iomp5)\.so[\d.]*)" + _OBJECT,
        "{name}, the OpenMP runtime, is not installed.",
        package="openmp-runtime",
    ),
    sign(
        r"(?P<name>lib(?:openblas|cblas|blas)\S{0,10}\.so[\d.]*)" + _OBJECT,
        "{name} is not installed.",
        package="blas-runtime",
    ),
    sign(
        r"(?P<name>libvulkan\.so[\d.]*)" + _OBJECT,
        "{name}, Vulkan's loader, is not installed.",
        package="vulkan-runtime",
    ),
    sign(
        r"(?P<name>libcurl[\w-]*\.so[\d.]*)" + _OBJECT,
        "{name} is not installed.",
        package="curl-runtime",
    ),
    sign(
        r"(?P<name>lib(?:llama|ggml|mtmd|whisper)[\w-]{0,30}\.so[\d.]*)" + _OBJECT,
        "{name} is a part of the program itself, and the program does not find it.",
        text="Run it from the build directory, or install it with its libraries: cmake --install build, then sudo "
        "ldconfig; or build with -DBUILD_SHARED_LIBS=OFF.",
        command="sudo ldconfig",
    ),
    sign(
        r"error while loading shared libraries: (?P<name>[^\s:]{1,120})" + _OBJECT,
        "{name} is not found.",
    ),
    sign(
        r"(?:OSError|ImportError|RuntimeError)[^\n]{0,300}[ :](?P<name>lib[^\s:/]{1,120}\.so[\d.]*)"
        + _OBJECT,
        "{name} is not found.",
    ),
    sign(
        r"Library not loaded: (?P<name>@rpath/[^\s]{1,200})",
        "{name} is looked for along the run paths of the program, and is in none of them.",
        text="Keep the program beside its libraries; if it was moved, add a run path: "
        "install_name_tool -add_rpath @executable_path program.",
    ),
    sign(
        r"Library not loaded: (?P<name>/(?:opt/homebrew|usr/local)/(?:opt|"
        r"Cellar)/(?P<formula>[\w.@+-]{1,60})/[^\s]{1,200})",
        "{name} belongs to Homebrew's {formula}, which is not installed or was updated.",
        command="brew reinstall {formula}",
    ),
    sign(
        r"(?:CANNOT LINK EXECUTABLE|dlopen failed)[^\n]{0,200}library \"(?P<name>libc\+\+_shared\.so)\" not found",
        "{name}, the NDK's C++ runtime, is not packed with the app or the program.",
        text="Build with -DANDROID_STL=c++_static, or pack libc++_shared.so of the NDK (sysroot/usr/lib/<processor>) "
        "beside the program; in an app set ANDROID_STL=c++_shared for Gradle's own CMake build.",
    ),
    sign(
        r"(?:CANNOT LINK EXECUTABLE|dlopen failed)[^\n]{0,300}library \"(?P<name>[^\"\n]{1,120})\" not found",
        "{name} is not found on the device.",
        text="Push it with the program and start it with LD_LIBRARY_PATH set to that directory (adb shell: cd "
        "/data/local/tmp && LD_LIBRARY_PATH=. ./program); OpenMP's is in the NDK (toolchains/llvm/.../libomp.so), "
        "or build with -DGGML_OPENMP=OFF. In Termux install its package with pkg.",
    ),
    sign(r"Library not loaded: (?P<name>[^\s]{1,200})", "{name} is not found."),
    looks_like="error while loading shared libraries: libcudart.so.12: cannot open shared object "
    "file; Library not loaded: @rpath/libllama.dylib",
    explanation="A program records by name the libraries that it was linked with; at its start "
    "the system looks for them along fixed paths.",
    fix="Install the package that has this library, in the version that the program was built with, or add its "
    "directory to LD_LIBRARY_PATH (macOS: keep it beside the program).",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1169",
        "https://github.com/abetlen/llama-cpp-python/issues/1628",
        "https://github.com/ggml-org/llama.cpp/pull/11403",
    ),
    explains=("llama-library-missing",),
)
