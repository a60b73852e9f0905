"""Windows, Visual Studio and MinGW."""
