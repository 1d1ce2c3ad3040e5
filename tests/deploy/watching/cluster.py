"""A whole cluster on this machine, watched as deploy/prometheus/prometheus.yml says: `estuary train`, a bridge, an
emulated robot, Prometheus, Alertmanager and the node exporter, all on loopback and in a folder of their own. The bridge
has a certificate, and so has Prometheus for it; on loopback the others need none."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import yaml
from expressions import ROOT
from prometheus_client import Prometheus

BIN = pathlib.Path(os.environ.get("ESTUARY_BIN_DIR", ROOT / "build/release/bin"))

# Far more steps than anybody waits for: it trains until it is stopped. Epochs are short, so that policies and
# evaluations come soon.
EXPERIMENT = """
name: "watched" task: "wheel_legged_stand"
dataset { path: "real.h5" extend: true }
algorithm { name: "h2o" }
networks { hidden: [32, 32] discriminator_hidden: [32, 32] observation_scale: [5, 1, 2, 2] }
optimizer { batch_size: 64 reward_scale: 0.0033 }
exploration { random_steps: 200 }
budget {
  environment_steps: 50000000 gradient_steps: 50000000
  environment_steps_per_epoch: 500 gradient_steps_per_epoch: 500 checkpoint_every: 5000
}
evaluation { every_epochs: 10 episodes: 1 sim_episodes: 1 }
replay { real_capacity: 1000000 }
cluster { shards: 2 actors: 2 }
"""

# From this port up: the processes of `estuary train`, then the others.
CLUSTER_PORTS, BRIDGE, NODE, PROMETHEUS, ALERTMANAGER, BRIDGE_CALLS, PORTS = 10, 10, 11, 12, 13, 14, 15


def free_ports(count):
    """The first of `count` ports in a row that nobody listens at."""
    for first in range(20000 + os.getpid() % 100 * 100, 60000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError(f"no {count} free ports in a row")


class Cluster:
    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="estuary-watched-")
        self.folder = pathlib.Path(self._temporary.name)
        self.port = free_ports(PORTS)
        self.processes = {}
        self.stopped = []
        self.bridge = f"unix:{self.folder}/bridge.sock"
        self.robot = f"unix:{self.folder}/robot.sock"
        self.prometheus = Prometheus(f"http://127.0.0.1:{self.port + PROMETHEUS}")

    def start(self):
        self.estuary("dataset", "generate", "wheel_legged_stand", "--output=real.h5", "--transitions=4000")
        (self.folder / "watched.textproto").write_text(EXPERIMENT)
        self._start("train", BIN / "estuary", "train", "watched.textproto", f"--metrics=127.0.0.1:{self.port}")
        log = self.folder / "train.log"
        found = wait_for(
            lambda: re.search(r"--replay=(\S+) --learner=(\S+)", log.read_text()), "the cluster's addresses"
        )
        self.shards, self.learner = found.groups()
        self.estuary("certs", "init", "--output=authority", "--name=watched")
        for role in ("bridge", "viewer"):
            self.issue_certificate(role)
        self._start(
            "bridge",
            BIN / "estuary-bridge",
            f"--listen={self.bridge},127.0.0.1:{self.port + BRIDGE_CALLS}",
            f"--replay={self.shards}",
            f"--learner={self.learner}",
            f"--spool_dir={self.folder}/spool",
            f"--metrics=127.0.0.1:{self.port + BRIDGE}",
            f"--tls={self.folder}/bridge",
        )
        self._start(
            "robot",
            BIN / "estuary-robot",
            f"--bridge={self.bridge}",
            f"--control={self.robot}",
            "--seconds=1000",
            "--episodes=1000",
        )
        self._start(
            "node",
            "prometheus-node-exporter",
            f"--web.listen-address=127.0.0.1:{self.port + NODE}",
        )
        self._start(
            "alertmanager",
            "prometheus-alertmanager",
            f"--config.file={ROOT}/deploy/alertmanager/alertmanager.yml",
            f"--storage.path={self.folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{self.port + ALERTMANAGER}",
            "--cluster.listen-address=",
        )
        self._watch(wait_for(self._targets, "every process to serve its metrics"))
        wait_for(lambda: self._robot_connected(), "the robot to connect")
        self.estuary("robot", "arm", f"--bridge={self.bridge}")
        self.estuary("robot", "mode", "policy", f"--bridge={self.bridge}")

    def estuary(self, *arguments):
        return subprocess.run(
            [BIN / "estuary", *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def issue_certificate(self, role, *flags):
        self.estuary(
            "certs", "issue", "--authority=authority", f"--role={role}", f"--dns={role}", f"--output={role}", *flags
        )

    def children(self, name):
        """Process ids of what `estuary train` started, by the program's name."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                program = (path / "cmdline").read_bytes().split(b"\0")[0].decode()
            except (OSError, ValueError, IndexError):
                continue
            if parent == self.processes["train"].pid and pathlib.Path(program).name == name:
                found.append(int(path.name))
        return sorted(found)

    def hang(self, pid):
        """Lets a process answer nobody any more, without ending it: nobody starts it again."""
        os.kill(pid, signal.SIGSTOP)
        self.stopped.append(pid)

    def ask_without_the_role(self):
        """The bridge's answer, as a status, to whoever wants its metrics with a certificate that is no viewer's."""
        context = ssl.create_default_context(cafile=self.folder / "bridge/ca.pem")
        context.check_hostname = False
        context.load_cert_chain(self.folder / "bridge/cert.pem", self.folder / "bridge/key.pem")
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.port + BRIDGE}/metrics", context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def call_without_a_certificate(self):
        with socket.create_connection(("127.0.0.1", self.port + BRIDGE_CALLS)) as caller:
            caller.sendall(b"neither a certificate nor TLS\r\n")

    def alerts_shown(self):
        """Of Alertmanager: names with job, and whether they are inhibited."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + ALERTMANAGER}/api/v2/alerts", timeout=10) as answer:
            return [
                (alert["labels"]["alertname"], alert["labels"].get("job"), bool(alert["status"]["inhibitedBy"]))
                for alert in json.load(answer)
            ]

    def logs(self):
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-8:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def close(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._temporary.cleanup()

    def _start(self, name, program, *arguments):
        if shutil.which(program) is None:
            raise RuntimeError(
                f"{program} is not there; scripts/setup fetches Prometheus's programs, scripts/build builds Estuary's"
            )
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen([program, *arguments], cwd=self.folder, stdout=log, stderr=log)

    def _part_at(self, port):
        """The part of Estuary that serves metrics there; None where nobody does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                found = re.search(r'^estuary_process_info\{.*part="(\w+)"', answer.read().decode(), re.MULTILINE)
                return found and found[1]
        except (urllib.error.URLError, OSError):
            return None

    def _targets(self):
        """Targets by job, once all are there."""
        targets = {}
        for port in range(self.port, self.port + CLUSTER_PORTS):
            part = self._part_at(port)
            if part:
                targets.setdefault(part, []).append(f"127.0.0.1:{port}")
        counts = {job: len(found) for job, found in targets.items()}
        return targets if counts == {"replay": 2, "learner": 1, "actor": 2, "evaluator": 1} else None

    def _watch(self, targets):
        """Starts Prometheus by deploy/prometheus/prometheus.yml, with these targets for DNS's, and in a hurry."""
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
        config["rule_files"] = [str(ROOT / "deploy/prometheus/rules/*.yml")]
        alertmanager = f"127.0.0.1:{self.port + ALERTMANAGER}"
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
        targets = {
            **targets,
            "bridge": [f"127.0.0.1:{self.port + BRIDGE}"],
            "node": [f"127.0.0.1:{self.port + NODE}"],
            "prometheus": [f"127.0.0.1:{self.port + PROMETHEUS}"],
            "alertmanager": [alertmanager],
        }
        for job in config["scrape_configs"]:
            job.pop("dns_sd_configs", None)
            job["static_configs"] = [{"targets": targets[job["job_name"]]}]
            if job["job_name"] == "bridge":
                for key in ("ca", "cert", "key"):
                    job["tls_config"][f"{key}_file"] = str(self.folder / "viewer" / f"{key}.pem")
            else:
                job.pop("tls_config", None)
                job["scheme"] = "http"
        path = self.folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self._start(
            "prometheus",
            "prometheus",
            f"--config.file={path}",
            f"--storage.tsdb.path={self.folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{self.port + PROMETHEUS}",
        )
        wait_for(self.prometheus.ready, "Prometheus to be ready")

    def _robot_connected(self):
        result = subprocess.run(
            [BIN / "estuary", "robot", "status", f"--bridge={self.bridge}"], capture_output=True, text=True, timeout=60
        )
        return re.search(r"connected +yes", result.stdout)


def wait_for(condition, what, timeout=60):
    """What `condition` returns as soon as it is true."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(0.5)
