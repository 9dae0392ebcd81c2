"""Installs what the tests need into .venv (clang and Go come from PyPI), and runs them all."""

from __future__ import annotations

import sys

from environment import install, run

interpreter = install(".[test]")
run([interpreter, "-m", "ruff", "check", "."])
run([interpreter, "-m", "ruff", "format", "--check", "."])
run([interpreter, "-m", "mypy"])
run([interpreter, "-m", "pytest", "-n", "2", *sys.argv[1:]])
