"""Writes the dashboards' JSON: python generate.py [FOLDER]  (default: deploy/grafana/dashboards).

Wants the SDK of ../requirements.txt: tests/deploy/watching/environment makes a Python that has it.
"""

import pathlib
import sys

import actors
import learner
import machines
import overview
import replay
import robot
from board import to_text

DASHBOARDS = {
    module.__name__: module.build for module in (overview, learner, replay, actors, robot, machines)
}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "dashboards"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for name, build in DASHBOARDS.items():
        (folder / f"{name}.json").write_text(to_text(build()))


if __name__ == "__main__":
    main()
