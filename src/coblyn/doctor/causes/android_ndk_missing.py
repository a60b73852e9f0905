"""A build for Android without its NDK, or with settings that the NDK does not take."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "android-ndk-missing",
    "The build for Android does not find the NDK, or gives it a wrong setting",
    sign(
        r"Android: Neither the NDK or a standalone toolchain was found",
        "CMake was told to build for Android, and knows of no NDK.",
    ),
    sign(
        r"Could not find toolchain file:? \"?(?P<file>[^\s\"]{0,200}android\.toolchain\.cmake)",
        "There is no {file}: the variable that the path begins with (ANDROID_NDK, NDK_ROOT) is empty or leads "
        "elsewhere.",
    ),
    sign(
        r"Invalid Android ABI: (?P<name>[^\s]{1,40}?)\.(?:\s|$)",
        "{name} is no ABI of the NDK's: they are called arm64-v8a, armeabi-v7a, x86_64 and x86.",
        text="Set -DANDROID_ABI=arm64-v8a, in a fresh build directory.",
    ),
    sign(
        r"NDK not configured\.|No version of NDK matched the requested version|NDK at \S{1,200} did not have a "
        r"source\.properties file|NDK is not installed",
        "Gradle finds no NDK of the version that the project asks for.",
        text="Install it in Android Studio's SDK manager (SDK Tools, “NDK (Side by side)”, the version that "
        'ndkVersion in build.gradle names), or with sdkmanager "ndk;<version>".',
    ),
    sign(
        r"CMake '(?P<version>[\d.]{1,20})' was not found in (?:SDK|PATH)",
        "Gradle finds no CMake {version}, which the project asks for.",
        command='sdkmanager "cmake;{version}"',
        text="Install it in Android Studio's SDK manager (SDK Tools, CMake), or write the version that is there into "
        "build.gradle.",
    ),
    sign(
        r"CXX1416\] Could not find Ninja on PATH or in SDK CMake bin folders|expected buildTargetsCommandComponents "
        r"command '[^'\n]{0,200}ninja[^'\n]{0,10}' to exist",
        "Gradle finds no ninja: it comes with the CMake of Android's SDK, which is not there or has moved.",
        command='sdkmanager "cmake;3.22.1"',
        text="Or install CMake in Android Studio's SDK manager (SDK Tools); then delete the directory .cxx, which "
        "remembers the old place.",
    ),
    sign(
        r"(?P<name>(?:aarch64|armv7a|x86_64|i686)-linux-android(?:eabi)?\d{0,2}-clang(?:\+\+)?(?:\.cmd)?): "
        r"(?:command not found|not found|No such file or directory)",
        "{name} is not there: the NDK is not on PATH, or has no compiler for that level.",
    ),
    sign(
        r"(?P<name>ANDROID_NDK(?:_HOME|_ROOT)?) (?:is not set|not (?:set|defined|found))",
        "The variable {name} is not set.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="Android: Neither the NDK or a standalone toolchain was found; Invalid Android ABI: arm64",
    explanation="A program for Android is compiled by the NDK's compiler, which CMake finds by the NDK's own "
    "toolchain file, and that by the path that the build is given.",
    fix="Install the NDK, let ANDROID_NDK be its directory, and configure in a fresh build directory: cmake -B build "
    "-DCMAKE_TOOLCHAIN_FILE=$ANDROID_NDK/build/cmake/android.toolchain.cmake -DANDROID_ABI=arm64-v8a "
    "-DANDROID_PLATFORM=android-28.",
    links=(
        "https://github.com/software-mansion/react-native-reanimated/issues/6778",
        "https://github.com/ggml-org/llama.cpp/pull/1757",
        "https://github.com/ggml-org/llama.cpp/issues/11636",
    ),
    explains=("cmake-no-compiler", "cmake-compiler-broken", "compiler-missing"),
)
