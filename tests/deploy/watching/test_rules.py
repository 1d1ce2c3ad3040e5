"""Prometheus's and Alertmanager's configuration, and the alerts: each tested both ways, each with a runbook."""

import os
import pathlib
import re
import stat
import subprocess
import tempfile
import unittest

import yaml
from expressions import ROOT, documented_metrics, metrics_of

PROMETHEUS = ROOT / "deploy/prometheus"
ALERTMANAGER = ROOT / "deploy/alertmanager"
RUNBOOKS = ROOT / "docs/runbooks"
TESTS = pathlib.Path(__file__).resolve().parent / "rules"
SECTIONS = ["**What it means.**", "**Look at**", "**Do**", "**Do not**"]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **more)


def alerts():
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield rule


class Prometheus(unittest.TestCase):
    def assert_succeeds(self, *command):
        result = run(*command)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_configuration_is_valid(self):
        self.assert_succeeds("promtool", "check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")

    def test_rules_are_valid_without_a_warning(self):
        self.assert_succeeds("promtool", "check", "rules", "--lint-fatal", *(PROMETHEUS / "rules").glob("*.yml"))

    def test_alerts_fire_when_they_must_and_only_then(self):
        self.assert_succeeds("promtool", "test", "rules", *TESTS.glob("*.yml"))

    def test_each_alert_is_tested_to_fire_and_not_to(self):
        fires, silent = set(), set()
        for path in TESTS.glob("*.yml"):
            for test in yaml.safe_load(path.read_text())["tests"]:
                for case in test["alert_rule_test"]:
                    (fires if case["exp_alerts"] else silent).add(case["alertname"])
        names = {rule["alert"] for rule in alerts()}
        self.assertEqual(names - fires, set(), "no test makes these fire")
        # A learner that failed or an emergency stop has a case of its own, too.
        self.assertEqual(names - silent, set(), "no test has these silent")

    def test_each_alert_says_how_bad_what_and_where_to_read_on(self):
        for rule in alerts():
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                notes = rule["annotations"]
                self.assertGreater(len(notes["summary"]), 15)
                # What is, and what is allowed.
                self.assertRegex(notes["description"], r"allowed|healthy|must|not in one that|a fault that is over")
                self.assertEqual(notes["runbook_url"], f"docs/runbooks/{rule['alert']}.md")

    def test_alerts_look_at_metrics_that_are_documented(self):
        documented = documented_metrics()
        for rule in alerts():
            self.assertLessEqual(metrics_of(rule["expr"]), documented, rule["alert"])

    def test_jobs_are_those_that_dashboards_and_alerts_ask_for(self):
        jobs = [
            job["job_name"] for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
        ]
        self.assertEqual(
            jobs, ["replay", "learner", "actor", "evaluator", "bridge", "node", "prometheus", "alertmanager"]
        )


class Runbooks(unittest.TestCase):
    def test_there_is_one_for_each_alert_and_none_besides(self):
        names = {rule["alert"] for rule in alerts()}
        self.assertEqual({path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}, names)

    def test_each_has_the_same_four_parts(self):
        for rule in alerts():
            text = (RUNBOOKS / f"{rule['alert']}.md").read_text()
            with self.subTest(rule["alert"]):
                self.assertTrue(text.startswith(f"# {rule['alert']}\n"))
                places = [text.find(section) for section in SECTIONS]
                self.assertEqual(places, sorted(places))
                self.assertGreater(places[0], 0)

    def test_the_index_lists_each_with_its_severity(self):
        rows = dict(re.findall(r"\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", (RUNBOOKS / "README.md").read_text()))
        self.assertEqual(rows, {rule["alert"]: rule["labels"]["severity"] for rule in alerts()})

    def test_links_lead_somewhere(self):
        for path in RUNBOOKS.glob("*.md"):
            for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
                self.assertTrue((path.parent / link).exists(), f"{path.name}: {link}")

    def test_panels_that_they_name_exist(self):
        """After "Grafana," each *Dashboard*: is followed by *Panel* names of it."""
        import expressions

        panels = {
            dashboard["title"]: {panel["title"] for panel in expressions.panels_of(dashboard)}
            for dashboard in expressions.read_dashboards().values()
        }
        named = 0
        for path in RUNBOOKS.glob("*.md"):
            for line in re.findall(r"^- Grafana, (.*(?:\n  .*)*)", path.read_text(), re.MULTILINE):
                dashboard = None
                for name in re.findall(r"\*([^*]+)\*", line.replace("\n  ", " ")):
                    if name in panels:
                        dashboard = name
                    else:
                        named += 1
                        self.assertIn(name, panels[dashboard], f"{path.name} names it on {dashboard}")
        self.assertGreater(named, 30)


class Alertmanager(unittest.TestCase):
    def check(self, path):
        result = run("amtool", "check-config", path)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def routed(self, path, *labels):
        return run("amtool", "config", "routes", "test", f"--config.file={path}", *labels).stdout.strip()

    def test_is_valid_as_it_stands_and_sends_nothing(self):
        self.check(ALERTMANAGER / "alertmanager.yml")

    def test_routes_by_severity(self):
        path = ALERTMANAGER / "alertmanager.yml"
        self.assertEqual(self.routed(path, "severity=critical", "alertname=ShardDown"), "critical")
        self.assertEqual(self.routed(path, "severity=warning", "alertname=PolicyStale"), "warnings")

    def test_inhibits_only_alerts_that_there_are(self):
        names = {rule["alert"] for rule in alerts()}
        for rule in yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text())["inhibit_rules"]:
            for matcher in rule["source_matchers"] + rule["target_matchers"]:
                kind, value = re.fullmatch(r'(\w+) =~? "(.+)"', matcher).groups()
                if kind == "alertname":
                    self.assertLessEqual(set(value.split("|")), names)

    def start(self, webhook):
        """What the entrypoint would have started, and the configuration that it would have read."""
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder) / "alertmanager"
            fake.write_text('#!/bin/sh\ncp "${1#--config.file=}" "$TMPDIR/seen.yml"; echo "$@"\n')
            fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
            result = run(
                "sh",
                ALERTMANAGER / "entrypoint",
                "--storage.path=/data",
                env={**os.environ, "ALERTMANAGER": str(fake), "TMPDIR": folder, "ESTUARY_ALERT_WEBHOOK": webhook},
            )
            seen = pathlib.Path(folder) / "seen.yml"
            if seen.exists():
                self.check(seen)
            return result, yaml.safe_load(seen.read_text()) if seen.exists() else None

    def test_starts_without_a_webhook(self):
        result, seen = self.start("")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("--storage.path=/data", result.stdout)
        self.assertEqual([receiver["webhook_configs"] for receiver in seen["receivers"]], [[], []])

    def test_tells_the_webhook_that_it_was_given(self):
        url = "https://hooks.lab/x?a=1&b=|2"
        _, seen = self.start(url)
        for receiver in seen["receivers"]:
            self.assertEqual(receiver["webhook_configs"], [{"url": url, "send_resolved": True}])

    def test_refuses_a_webhook_that_is_none(self):
        result, _ = self.start("hooks.lab")
        self.assertEqual(result.returncode, 2)
        self.assertIn("'hooks.lab', not an http:// or https:// URL", result.stderr)


if __name__ == "__main__":
    unittest.main()
