"""Make docs/kinks.md: what autodiff libraries return where there is no unique derivative.

    python -m tests.conventions             asks the libraries that this Python has; other answers stay as they were
    python -m tests.conventions --install   installs those that it lacks, each in a temporary environment

Also makes results.json (their answers) and minigrad/check/comparison/convention_data.py (what a gradient check
knows of them). Equal versions give equal bytes.
"""

from __future__ import annotations

import argparse
import json

from .libraries import LIBRARIES
from .points import points


def main() -> None:
    """Write the three files, or print the answers of one library."""
    parser = argparse.ArgumentParser(prog="python -m tests.conventions", description=__doc__.partition("\n")[0])
    parser.add_argument("--install", action="store_true", help="install the libraries that this Python lacks")
    parser.add_argument("--ask", metavar="LIBRARY", choices=[*LIBRARIES], help="print its answers as JSON")
    options = parser.parse_args()
    if options.ask:
        library = LIBRARIES[options.ask]
        print(json.dumps([library.version, library.answers([*points()])]))
        return
    # Not needed to ask a library, and minigrad may not be installed beside it.
    from .files import files
    from .results import stored, update

    results = stored()
    update(results, options.install)
    for path, text in files(results).items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
