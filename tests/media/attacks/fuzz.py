"""Looks for input that a parser does not survive, led by coverage; by hand, as no test needs it.

    pip install atheris
    python -m tests.media.attacks.fuzz stun -max_total_time=60

What leads to code that nothing before it did goes into a folder of its own, which is named first.
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Fuzz one parser, beginning with what is kept of it. Ends the process."""
    atheris = import_module("atheris")
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["spaces_bridge.media.worker"]):
        parsers = import_module("tests.media.attacks.parsers")
    found = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, data in enumerate(parsers.corpus(name)):
        (found / f"kept-{number}").write_bytes(data)
    sys.stderr.write(f"found in {found}\n")
    parse = parsers.PARSERS[name]

    def one(data: bytes) -> None:
        parse(data)

    atheris.Setup([sys.argv[0], str(found), *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
