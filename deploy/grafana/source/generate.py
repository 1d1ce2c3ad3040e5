"""Writes the dashboards' JSON: python generate.py [FOLDER]  (default: deploy/grafana/dashboards).

Wants a Python with what ../requirements.txt names. A test compares the committed JSON with what this makes.
"""

import pathlib
import sys

import machines
import overview
import replay
import robot
from board import to_text

import actors
import learner

DASHBOARDS = {module.__name__: module.build for module in (overview, learner, replay, actors, robot, machines)}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "dashboards"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for name, build in DASHBOARDS.items():
        (folder / f"{name}.json").write_text(to_text(build()))


if __name__ == "__main__":
    main()
