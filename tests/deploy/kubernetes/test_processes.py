"""What the manifests tell the processes: flags that exist, shards that are there, probes that can answer."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import manifests
from manifests import containers, flags, name, of_kind, program, title, workloads

BIN = pathlib.Path(os.environ["ESTUARY_BIN_DIR"])
# An image's program, where it is not called as the image is.
BINARIES = {"learner-cpu": "estuary-learner", "learner-gpu": "estuary-learner", "tools": "estuary", "sweep": "estuary"}


def binary(container):
    image = program(container)
    return BINARIES.get(image, f"estuary-{image}")


def known_flags(command):
    """The flags that a binary, or a command of `estuary`, says it has."""
    arguments = ["--help"] if command[0] == "estuary" else ["--helpfull"]
    said = subprocess.run([BIN / command[0], *command[1:], *arguments], capture_output=True, text=True).stdout
    return set(re.findall(r"^ +--(\w+)", said, re.MULTILINE))


def command_of(container):
    """The binary, and for `estuary` the command's words, of which the last may be arguments."""
    if binary(container) != "estuary":
        return [binary(container)]
    words = [a for a in container["args"] if not a.startswith("--")]
    two = " ".join(words[:2])
    commands = subprocess.run([BIN / "estuary", "--help"], capture_output=True, text=True).stdout
    return ["estuary", *(words[:2] if re.search(rf"^  {two}  ", commands, re.MULTILINE) else words[:1])]


def probes(container):
    return [container[p]["exec"]["command"] for p in ("startupProbe", "readinessProbe", "livenessProbe") if p in container]


class Processes(unittest.TestCase):
    def every_container(self):
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for c in containers(workload):
                    yield title(overlay, workload), c

    def test_every_flag_is_one_that_the_program_has(self):
        known = {}
        for where, c in self.every_container():
            command = command_of(c)
            there = known.setdefault(tuple(command), known_flags(command))
            self.assertTrue(there, f"{command} says nothing of its flags")
            with self.subTest(where, container=c["name"]):
                self.assertLessEqual(set(flags(c["args"])), there)

    def test_probes_ask_the_port_that_the_process_serves(self):
        for where, c in self.every_container():
            given = flags(c["args"])
            for probe in probes(c):
                with self.subTest(where):
                    self.assertEqual(probe[0], f"/usr/local/bin/{binary(c)}")
                    self.assertLessEqual(set(flags(probe)), known_flags([binary(c)]))
                    address = flags(probe)["health"]
                    self.assertEqual(flags(probe)["tls"], given["tls"])
                    port = address.rpartition(":")[2]
                    served = given["metrics"] if address.startswith("https:") else given["listen"]
                    self.assertEqual(served, f"0.0.0.0:{port}")

    def test_every_process_that_serves_is_probed_but_the_bridge_never_killed(self):
        for where, c in self.every_container():
            given = flags(c["args"])
            if "listen" in given:
                self.assertIn("readinessProbe", c, where)
            if "metrics" in given:
                self.assertEqual("livenessProbe" in c, program(c) != "bridge", where)

    def test_ports_are_those_that_the_process_listens_at(self):
        for where, c in self.every_container():
            given = flags(c["args"])
            listening = {int(given[f].rpartition(":")[2]) for f in ("listen", "metrics") if f in given}
            self.assertEqual({p["containerPort"] for p in c.get("ports", [])}, listening, where)

    def test_everybody_knows_the_shards_that_there_are(self):
        for overlay in manifests.OVERLAYS:
            for replay in [w for w in of_kind(overlay, "StatefulSet") if name(w) == "replay"]:
                shards = [f"replay-{i}.replay:5001" for i in range(replay["spec"]["replicas"])]
                for workload in workloads(overlay):
                    for c in containers(workload):
                        given = flags(c["args"]).get("replay")
                        if given and not given.startswith("dns:///"):
                            self.assertEqual(given.split(","), shards, title(overlay, workload))
                [experiment] = [o for o in of_kind(overlay, "ConfigMap") if "experiment.textproto" in o["data"]]
                said = re.search(r"\bshards: (\d+)", experiment["data"]["experiment.textproto"])
                self.assertEqual(int(said[1]), len(shards))

    def test_everybody_works_on_one_task(self):
        [experiment] = [o for o in of_kind(manifests.FULLEST, "ConfigMap") if "experiment.textproto" in o["data"]]
        task = re.search(r'^task: "(\w+)"', experiment["data"]["experiment.textproto"], re.MULTILINE)[1]
        for workload in workloads(manifests.FULLEST):
            for c in containers(workload):
                self.assertEqual(flags(c["args"]).get("task", task), task)
                if c["args"][:2] == ["dataset", "generate"]:
                    self.assertEqual(c["args"][2], task)

    def test_the_experiment_is_what_prepare_makes_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [BIN / "estuary", "cluster", "prepare", "experiments/wheel_legged_stand_h2o.textproto",
                 f"--output={folder}", "--shards=2"],
                cwd=manifests.ROOT, check=True, capture_output=True,
            )
            for file in ("experiment.textproto", "tables.textproto"):
                committed = (manifests.KUBERNETES / "base/experiment" / file).read_text()
                # The Job that imports the dataset has it in a volume.
                made = pathlib.Path(folder, file).read_text().replace(folder, "/data")
                self.assertEqual(committed, made, file)

    def test_a_sweeps_parts_are_the_jobs_indices(self):
        [job] = of_kind("sweep", "Job")
        spec = job["spec"]
        [container] = spec["template"]["spec"]["containers"]
        self.assertEqual(spec["completionMode"], "Indexed")
        self.assertEqual(flags(container["args"])["part"], f"$(INDEX)/{spec['completions']}")
        self.assertLessEqual(spec["parallelism"], spec["completions"])
        source = container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"]
        self.assertEqual(source, "metadata.annotations['batch.kubernetes.io/job-completion-index']")
        sweep = container["args"][1]
        self.assertTrue((manifests.ROOT / f"experiments/sweeps/{sweep}.textproto").is_file())
        # The datasets that its trainings read are those that the pod makes.
        made = {pathlib.PurePath(flags(c["args"])["output"]).name for c in spec["template"]["spec"]["initContainers"]}
        listed = subprocess.run([BIN / "estuary", "sweep", sweep, "--list"], cwd=manifests.ROOT, check=True,
                                capture_output=True, text=True).stdout.split()
        self.assertGreaterEqual(len(listed), spec["completions"])
        rows = re.findall(r'experiment: "\.\./(\w+)\.textproto"',
                          (manifests.ROOT / f"experiments/sweeps/{sweep}.textproto").read_text())
        read = set()
        for row in rows:
            read |= set(re.findall(r'path: "\.\./datasets/([\w.]+)"',
                                   (manifests.ROOT / f"experiments/{row}.textproto").read_text()))
        self.assertEqual(made, read)


if __name__ == "__main__":
    unittest.main()
