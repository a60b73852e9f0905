"""Vulkan."""
