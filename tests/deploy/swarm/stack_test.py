#!/usr/bin/env python3
"""deploy/swarm/stack: what becomes of compose's services in a stack. No engine: `docker` is a script here."""

import functools
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("SKIPPED: this needs PyYAML: apt-get install docker-compose (which stacks are made with)", file=sys.stderr)
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[3]
# In the place of `docker run ... certs lab` and `... cluster prepare`, into the first volume.
DOCKER = """#!/bin/bash
for argument; do case $argument in --volume=*) folder=${argument#--volume=} folder=${folder%%:*}; break ;; esac; done
case "$*" in
  *"certs lab"*) for role in replay learner actor evaluator bridge robot operator viewer; do
    mkdir -p "$folder/$role"; for file in ca cert key; do echo "$role $file $LIFE" >"$folder/$role/$file.pem"; done; done ;;
  *"cluster prepare"*) touch "$folder"/{experiment,tables}.textproto "$folder/dataset.h5" ;;
esac
"""


@functools.cache
def compose_config(bind):
    environment = {**os.environ, **({"ESTUARY_BIND": bind} if bind else {})}
    return subprocess.run(["docker-compose", "-f", ROOT / "deploy/compose.yaml", "config"], check=True, capture_output=True,
                          text=True, env=environment).stdout


def program(folder, name, text):
    path = pathlib.Path(folder, name)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Stack(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        program(self.folder, "docker", DOCKER)
        self.environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "LIFE": "first"}

    def run_stack(self, *arguments, config=None, **environment):
        if config is None:
            config = compose_config(environment.get("ESTUARY_BIND", ""))
        return subprocess.run([ROOT / "deploy/swarm/stack", f"{self.folder}/stack", *arguments], input=config, text=True,
                              capture_output=True, env={**self.environment, **environment})

    def stack(self, *arguments, **environment):
        run = self.run_stack(*arguments, **environment)
        self.assertEqual(run.returncode, 0, run.stderr)
        return yaml.safe_load(run.stdout)

    def test_certificates_are_secrets_of_those_alone_who_hold_them(self):
        stack = self.stack()
        for name, role in (("actor", "actor"), ("replay-0", "replay"), ("import", "operator"), ("prometheus", "viewer")):
            with self.subTest(name):
                secrets = stack["services"][name]["secrets"]
                self.assertEqual({s["target"] for s in secrets}, {f"/etc/estuary/tls/{f}.pem" for f in ("ca", "cert", "key")})
                self.assertEqual({s["mode"] for s in secrets}, {0o400})
                for secret in secrets:
                    self.assertTrue(secret["source"].startswith(f"{role}-"))
                    self.assertTrue(pathlib.Path(stack["secrets"][secret["source"]]["file"]).is_file())
        for service in stack["services"].values():
            for volume in service.get("volumes", []):
                self.assertNotIn("certs", str(volume))

    def test_a_renewed_certificate_is_another_secret(self):
        before = set(self.stack()["secrets"])
        self.assertEqual(set(self.stack()["secrets"]), before)
        self.assertFalse(set(self.stack(LIFE="second")["secrets"]) & before)

    def test_what_keeps_data_stays_on_a_node_and_actors_do_not(self):
        services = self.stack("--place=replay-1=node-2")["services"]
        where = {n: s["deploy"].get("placement", {}).get("constraints") for n, s in services.items()}
        here = [f"node.hostname == {os.uname().nodename}"]
        for name in ("replay-0", "learner", "bridge", "import"):
            self.assertEqual(where[name], here, name)
        self.assertEqual(where["replay-1"], ["node.hostname == node-2"])
        self.assertIsNone(where["actor"])
        self.assertIsNone(where["evaluator"])

    def test_nothing_is_in_it_that_swarm_has_no_word_for(self):
        for name, service in self.stack()["services"].items():
            with self.subTest(name):
                for word in ("build", "cpu_shares", "depends_on", "network_mode", "pid", "profiles", "restart", "security_opt",
                             "tmpfs"):
                    self.assertNotIn(word, service)
                self.assertEqual(service["deploy"]["endpoint_mode"], "dnsrr")

    def test_ports_that_compose_keeps_to_itself_stay_closed(self):
        self.assertFalse([n for n, s in self.stack()["services"].items() if "ports" in s])
        learner = self.stack(ESTUARY_BIND="0.0.0.0")["services"]["learner"]
        self.assertEqual(learner["ports"], [{"target": 5100, "published": 5100, "mode": "host"}])

    def test_leaves_out_what_is_not_wanted(self):
        services = self.stack("--without=grafana,robot")["services"]
        for name in ("grafana", "robot", "certs", "prepare", "learner-gpu", "tools"):
            self.assertNotIn(name, services)

    def test_a_service_that_is_not_there_is_named(self):
        run = self.run_stack("--place=learnr=node-2")
        self.assertEqual(run.returncode, 1)
        self.assertIn("there is no service 'learnr'; there are: ", run.stderr)

    def test_standard_input_that_is_something_else_is_refused(self):
        run = self.run_stack(config="hello")
        self.assertEqual(run.returncode, 1)
        self.assertIn("docker-compose -f deploy/compose.yaml config", run.stderr)

    def test_a_preparation_that_fails_is_told(self):
        program(self.folder, "docker", "#!/bin/sh\nexit 1\n")
        run = self.run_stack()
        self.assertEqual(run.returncode, 1)
        self.assertIn("service 'certs' of compose did not succeed", run.stderr)


if __name__ == "__main__":
    if not shutil.which("docker-compose"):
        print("SKIPPED: this needs docker-compose: apt-get install docker-compose", file=sys.stderr)
        sys.exit(77)
    unittest.main()
