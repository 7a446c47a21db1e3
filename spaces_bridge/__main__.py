"""`python -m spaces_bridge` is the same program as `spaces-bridge`."""

import sys

from spaces_bridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
