"""The three costs that users of synthesizers wait for, one after another, in one file.

    python benchmarks/speed/synth.py --out FILE.json [--threads N]

A step of CycleGAN against a plain implementation, sampling from a diffusion model against
diffusers' own loop, embedding SMOTE against a bare imbalanced-learn. Each is measured by the script
beside this one that is named for it, pair by pair in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPTS = ("cyclegan", "diffusion", "smote")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    threads = {"OMP_NUM_THREADS": str(arguments.threads)}
    found = {"command": "python benchmarks/speed/synth.py " + " ".join(sys.argv[1:])}
    with tempfile.TemporaryDirectory() as folder:
        for name in SCRIPTS:
            script, part = Path(__file__).with_name(f"{name}.py"), Path(folder) / f"{name}.json"
            words = [sys.executable, str(script), "--pairs", str(arguments.pairs)]
            environment = {**os.environ, **threads}
            subprocess.run([*words, "--out", str(part)], check=True, env=environment)
            measured = json.loads(part.read_text(encoding="utf-8"))
            measured.pop("command", None)  # it names a temporary file
            found[name] = measured
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
