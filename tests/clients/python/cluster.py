"""Processes of Estuary for the Python client's tests, on Unix sockets in a folder of their own."""

import os
import pathlib
import subprocess
import tempfile
import time

import grpc

BIN = pathlib.Path(os.environ.get("ESTUARY_BIN_DIR", "build/release/bin"))

TABLE = """
tables {{
  name: "{name}" capacity: {capacity} remover: {remover} durability: {durability}
  schema {{
    task: "half_cheetah" control_period_us: 50000
    columns {{ name: "observation" dtype: DTYPE_FLOAT32 width: 17 }}
    columns {{ name: "action" dtype: DTYPE_FLOAT32 width: 6 }}
    columns {{ name: "reward" dtype: DTYPE_FLOAT32 width: 1 }}
    columns {{ name: "next_observation" dtype: DTYPE_FLOAT32 width: 17 }}
    columns {{ name: "flags" dtype: DTYPE_UINT8 width: 1 }}
    columns {{ name: "source" dtype: DTYPE_UINT8 width: 1 }}
    columns {{ name: "policy_version" dtype: DTYPE_UINT32 width: 1 }}
    columns {{ name: "episode" dtype: DTYPE_UINT32 width: 1 }}
  }}
}}
"""

EXPERIMENT = """
name: "gym_actor" task: "half_cheetah" algorithm {{ name: "sac" }}
networks {{ hidden: [32, 32] }} optimizer {{ batch_size: 64 }}
exploration {{ random_steps: 200 }}
budget {{
  environment_steps: {steps} gradient_steps: {steps}
  environment_steps_per_epoch: 200 gradient_steps_per_epoch: 200
}}
evaluation {{ every_epochs: 1000 }}
cluster {{ shards: 2 }}
"""


class Cluster:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="estuary-python-")
        self.folder = pathlib.Path(self._folder.name)
        self._children = {}

    def replay(self, index, *, durable=False, capacity=100_000, limiter=""):
        """Starts a shard, again where it was killed; returns its address."""
        tables = self.folder / f"tables-{index}.textproto"
        tables.write_text(
            TABLE.format(name="sim", capacity=capacity, remover="REMOVER_FIFO", durability="DURABILITY_MEMORY").replace(
                "remover:", f"{limiter} remover:"
            )
            + TABLE.format(
                name="real", capacity=capacity, remover="REMOVER_NONE", durability="DURABILITY_DISK"
            )
        )
        address = f"unix:{self.folder}/replay-{index}.sock"
        self._start(
            f"replay-{index}",
            [
                BIN / "estuary-replay",
                f"--listen={address}",
                f"--table_config={tables}",
                f"--data_dir={self.folder}/data-{index}",
            ],
        )
        wait_for(address)
        return address

    def learner(self, shards, steps=2000):
        experiment = self.folder / "experiment.textproto"
        experiment.write_text(EXPERIMENT.format(steps=steps))
        address = f"unix:{self.folder}/learner.sock"
        self._start(
            "learner",
            [
                BIN / "estuary-learner",
                f"--listen={address}",
                f"--replay={','.join(shards)}",
                f"--experiment={experiment}",
                f"--run_dir={self.folder}/run",
                "--run_id=gym_actor",
            ],
        )
        wait_for(address)
        return address

    def _start(self, name, arguments):
        with open(self.folder / f"{name}.log", "ab") as log:
            self._children[name] = subprocess.Popen(
                [str(argument) for argument in arguments], stdout=log, stderr=log, cwd=self.folder
            )

    def kill(self, name):
        self._children[name].kill()
        self._children[name].wait()

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def wait(self, name, timeout):
        return self._children[name].wait(timeout)

    def close(self):
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._folder.cleanup()


def wait_for(address, timeout=30):
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout)


def eventually(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
