"""CMake: finding tools and packages, caches, options."""
