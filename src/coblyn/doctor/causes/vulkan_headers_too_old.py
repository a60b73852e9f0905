"""Vulkan's headers are older than the backend."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "vulkan-headers-too-old",
    "Vulkan's headers are older than the source expects",
    sign(
        r"vulkan[^\n]{0,200}error: '(?P<name>VkP\w{3,80}|Vk\w{3,80}|VK_\w{3,80})' (?:was not declared|does not name "
        r"a type|has not been declared)",
        "The source uses {name}, which these headers do not have.",
    ),
    sign(
        r"vulkan[^\n]{0,200}error: (?:use of undeclared identifier|unknown type name) "
        r"'(?P<name>Vk\w{3,80}|VK_\w{3,80})'",
        "The source uses {name}, which these headers do not have.",
    ),
    sign(
        r"error: '(?P<name>\w{3,80})' is not a member of 'vk(?:::\w+)?'",
        "The source uses vk::{name}, which these headers do not have.",
    ),
    sign(
        r"error: no (?:type|member) named '(?P<name>\w{3,80})' in (?:namespace )?'vk(?:::\w+)?'",
        "The source uses vk::{name}, which these headers do not have.",
    ),
    sign(
        r"ggml-vulkan\.cpp\(\d+(?:,\d+)?\): error C2(?:039|065|061)[^\n]{0,20}: '(?P<name>(?:Vk|VK_|e)\w{3,80})'",
        "The source uses {name}, which these headers do not have.",
    ),
    sign(
        r"vulkan[^\n]{0,200}error: '(?:class|struct) vk::\w+' has no member named "
        r"'(?P<name>\w{3,80})'",
        "The source uses {name}, which these headers do not have.",
    ),
    sign(
        r"(?:Wrong VK_HEADER_VERSION!|static assertion failed[^\n]{0,60}VK_HEADER_VERSION)",
        "vulkan.h and vulkan.hpp are of different versions: two sets of headers are mixed.",
        text="Let one set come first: remove the other, or set VULKAN_SDK to the newer one, and "
        "configure in a fresh build directory.",
    ),
    sign(
        r"fatal error: (?P<name>spirv(?:-headers)?/[^\n:]{3,80}|spirv\.hpp): No such file",
        "SPIR-V's headers are not installed: {name}.",
        package="spirv-headers",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: conversion from 'int' to 'vk::\w+' is ambiguous",
        "The source passes VK_NULL_HANDLE where these headers know no such conversion.",
    ),
    sign(
        r"error C2(?:039|065|061)[^\n]{0,20}: '(?P<name>\w{3,80})': is not a member of 'vk(?:::\w+)?'",
        "The source uses vk::{name}, which these headers do not have.",
    ),
    sign(
        r"error: (?:unknown type name|use of undeclared identifier|'?) ?'?(?P<name>(?:PFN_vk|Vk[A-Z]"
        r"|VK_[A-Z])\w{3,80})'(?:;|,|$| undeclared| was not declared| does not name)",
        "The source uses {name}, which these headers do not have.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:'(?:const )?(?:struct )?Vk\w{1,80}'(?: \{aka [^}\n]{1,120}\})?|no member named '\w{1,80}' in "
        r"'Vk\w{1,80}') ?(?:has no member named '(?P<name>\w{1,80})')?",
        "A structure of these headers lacks a member that the source uses.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: 'VkPhysicalDeviceCooperativeMatrixFeaturesKHR' was not declared in this scope; error: "
    "'eErrorIncompatibleShaderBinaryEXT' is not a member of 'vk::Result'",
    explanation="ggml's Vulkan backend follows Vulkan closely, and distributions ship headers that are years old. "
    "What the driver can do has no part in it: the build needs the names.",
    fix="Install a current Vulkan SDK (LunarG's), or the Vulkan-Headers repository with cmake --install, and "
    "configure in a fresh build directory with VULKAN_SDK set to it.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/16054",
        "https://github.com/ggml-org/llama.cpp/issues/12619",
    ),
    explains=("header-missing",),
)
