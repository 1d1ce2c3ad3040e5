"""deploy/prometheus's rules as PrometheusRules: the same rules, over jobs that the ServiceMonitors make."""

import functools
import re
import subprocess
import unittest

import yaml

import manifests
from test_schemas import validate

RULES = manifests.ROOT / "deploy/prometheus/rules"
# Of the machines' own exporters and of Prometheus, which a cluster has of its own.
OTHERS = {"node", "prometheus", "alertmanager"}


@functools.cache
def printed():
    run = subprocess.run([manifests.KUBERNETES / "rules"], check=True, capture_output=True, text=True)
    return [o for o in yaml.safe_load_all(run.stdout) if o]


class Rules(unittest.TestCase):
    def test_each_file_is_an_object_with_its_rules(self):
        files = sorted(RULES.glob("*.yml"))
        self.assertEqual(len(printed()), len(files))
        for file, o in zip(files, printed()):
            with self.subTest(file.name):
                self.assertEqual(o["spec"], yaml.safe_load(file.read_text()))

    def test_each_is_what_its_kind_allows(self):
        for o in printed():
            with self.subTest(manifests.name(o)):
                validate(o)

    def test_they_ask_for_jobs_that_the_monitors_make(self):
        made = {}
        for monitor in manifests.of_kind(manifests.FULLEST, "ServiceMonitor"):
            label = monitor["spec"]["jobLabel"]
            [service] = [
                s for s in manifests.of_kind(manifests.FULLEST, "Service")
                if manifests.selects(monitor["spec"]["selector"], s["metadata"]["labels"])
                and any(p["name"] == "metrics" for p in s["spec"]["ports"])
            ]
            made[service["metadata"]["labels"][label]] = monitor
        asked = set()
        for o in printed():
            for group in o["spec"]["groups"]:
                for rule in group["rules"]:
                    for names in re.findall(r'\bjob=~?"([\w|]+)"', rule["expr"]):
                        asked |= set(names.split("|"))
        self.assertLessEqual(asked - OTHERS, set(made))


if __name__ == "__main__":
    unittest.main()
