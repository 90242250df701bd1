"""Builds the optional C extension. Without a C compiler the package installs without it: see `optional`."""

import sys
import zlib
from pathlib import Path

import numpy as np
from setuptools import Extension, setup

FOLDER = Path("minigrad/compiler/native")
# The bits must be NumPy's: no product and sum fused into one rounding, on any compiler.
FLAGS = ["/std:c11", "/fp:precise"] if sys.platform == "win32" else ["-std=c11", "-O3", "-ffp-contract=off"]

# So that an extension that was built from other sources is noticed: see `minigrad.compiler.native`.
SOURCES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".c", ".h"))
SUM = zlib.crc32(b"".join(path.read_bytes() for path in SOURCES))

setup(
    ext_modules=[
        Extension(
            "minigrad.compiler.native._native",
            sources=[path.as_posix() for path in sorted(FOLDER.glob("*.c"))],
            depends=[path.as_posix() for path in sorted(FOLDER.glob("*.h"))],
            include_dirs=[np.get_include()],
            define_macros=[("MINIGRAD_SOURCES", f"{SUM}u")],
            extra_compile_args=FLAGS,
            optional=True,
        )
    ]
)
