"""Generates estuary/v1/*_pb2*.py from the repository's contracts before the package is built."""

import pathlib

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "proto"
GENERATED = HERE / "src" / "estuary" / "v1"


def generate():
    from grpc_tools import protoc

    contracts = sorted((PROTOS / "estuary" / "v1").glob("*.proto"))
    if not contracts:
        raise SystemExit(f"there are no contracts in {PROTOS}/estuary/v1: install from the repository's tree")
    GENERATED.mkdir(parents=True, exist_ok=True)
    (GENERATED / "__init__.py").write_text('"""Generated from proto/estuary/v1; not edited by hand."""\n')
    out = str(HERE / "src")
    arguments = ["protoc", f"-I{PROTOS}", f"--python_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(arguments + [str(path) for path in contracts]) != 0:
        raise SystemExit("the contracts in proto/estuary/v1 could not be compiled")


class BuildWithStubs(build_py):
    def run(self):
        generate()
        super().run()


# The packages' list is checked before build_py runs.
GENERATED.mkdir(parents=True, exist_ok=True)
setup(cmdclass={"build_py": BuildWithStubs})
