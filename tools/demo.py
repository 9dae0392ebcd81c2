"""Installs mapschema into .venv and compiles the flow tracker's C source."""

from __future__ import annotations

from environment import install, run

interpreter = install(".")
source = "examples/flow_tracker/bytecode/flow.c"
print(f"mapschema compile {source} -o build/flow", flush=True)
run([interpreter, "-m", "mapschema", "compile", source, "-o", "build/flow"])
print("\nbuild/flow/flow_report.txt says:\n", flush=True)
run([interpreter, "-c", "print(open('build/flow/flow_report.txt', encoding='utf-8').read())"])
