"""Vulkan's C++ headers are newer than the source."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "vulkan-headers-too-new",
    "Vulkan's headers are newer than the source expects",
    sign(
        r"error: no match for 'operator=' \(operand types are '(?P<name>vk::\w{1,80})' and "
        r"'<brace-enclosed initializer list>'\)",
        "{name} can no longer be written as the source writes it.",
    ),
    sign(
        r"error: no (?:matching (?:function for call to|constructor for initialization of)|viable conversion from "
        r"'[^'\n]{1,200}' to) '(?P<name>vk::\w{1,80})[^'\n]{0,200}'",
        "{name} can no longer be made as the source makes it.",
        also=r"vulkan_(?:structs|handles|funcs)\.hpp",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: '(?:class|struct) vk::(?P<name>DispatchLoaderDynamic|\w*EXT|\w*KHR)' has no "
        r"member named '\w{1,80}'",
        "vk::{name} has changed.",
        sure=Confidence.LOW,
    ),
    sign(
        r"error: '(?P<name>DispatchLoaderDynamic|DispatchLoaderStatic|DynamicLoader)' in namespace 'vk' does not name"
        r"|error: no (?:type|member) named '(?P<other>DispatchLoaderDynamic|DispatchLoaderStatic|DynamicLoader)' in "
        r"namespace 'vk'"
        r"|error: '(?P<third>DispatchLoaderDynamic|DispatchLoaderStatic|DynamicLoader)' is not a member of 'vk'",
        "vk::{name}{other}{third} moved to the namespace vk::detail in newer headers.",
    ),
    looks_like="error: no match for 'operator=' (operand types are 'vk::DeviceCreateInfo' and "
    "'<brace-enclosed initializer list>')",
    explanation="Vulkan's C++ headers change their interface with time; an older ggml does not "
    "compile with the newest ones.",
    fix="Use a newer release of the program, or an older Vulkan SDK (VULKAN_SDK), in a fresh "
    "build directory.",
    links=(
        "https://github.com/rodrigomatta/s2.cpp/issues/20",
        "https://github.com/nomic-ai/gpt4all/issues/3468",
    ),
    explains=("vulkan-headers-too-old",),
)
