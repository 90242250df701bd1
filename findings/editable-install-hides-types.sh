#!/usr/bin/env bash
# A typed package that is installed with `pip install -e` may be invisible to mypy, although Python imports it.
# With a flat layout and `packages.find`, setuptools installs an import hook: code that runs at start-up, which no
# type checker executes. mypy 1.15 then reports import-not-found, py.typed or not. A wheel of the same tree is fine.
# What to do: state `package-dir = {"" = "."}`. Setuptools then writes a plain path into its .pth file, and mypy
# finds the package. Check it from a user's file outside of the checkout: inside, the current folder hides the fault.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q setuptools==80.9.0 mypy==1.15.0
mkdir -p "$work/tree/typedpkg" "$work/user"
printf 'def f(x: int) -> int:\n    return x\n' >"$work/tree/typedpkg/__init__.py"
touch "$work/tree/typedpkg/py.typed"
printf 'import typedpkg\n\ny: int = typedpkg.f(1)\n' >"$work/user/use.py"

check() { # check NAME LINE-OF-PYPROJECT: installs the tree, runs the user's file, and keeps mypy's report on it
  cat >"$work/tree/pyproject.toml" <<TOML
[build-system]
requires = ["setuptools==80.9.0"]
build-backend = "setuptools.build_meta"
[project]
name = "typedpkg"
version = "1"
[tool.setuptools]
$2
[tool.setuptools.package-data]
typedpkg = ["py.typed"]
[tool.setuptools.packages.find]
include = ["typedpkg*"]
TOML
  "$work/venv/bin/pip" install -q --no-build-isolation -e "$work/tree"
  (cd "$work/user" && "$work/venv/bin/python" use.py && "$work/venv/bin/mypy" --strict use.py) >"$work/$1" || true
  "$work/venv/bin/pip" uninstall -q -y typedpkg
  rm -rf "$work/tree/build" "$work"/tree/*.egg-info "$work/user/.mypy_cache"
}

check hook ''
check path 'package-dir = {"" = "."}'
echo "setuptools 80.9.0, mypy 1.15.0; import hook: $(grep -o 'import-not-found\|Success' "$work/hook" | head -1); plain path: $(grep -o 'import-not-found\|Success' "$work/path" | head -1)"
grep -q 'import-not-found\|import-untyped' "$work/hook"
grep -q Success "$work/path"
