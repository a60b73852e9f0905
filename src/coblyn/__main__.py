"""``python -m coblyn`` is the ``coblyn`` command."""

from coblyn.cli import main

if __name__ == "__main__":
    main()
