"""Dashboards and alerts against a Prometheus that watches a cluster: every expression has data, and faults are told."""

import os
import signal
import time
import unittest

import check_queries
import expressions
from cluster import Cluster, wait_for

# Alerts that a busy or a full machine may cause without any fault of ours.
OF_THE_MACHINE = {"RobotLoopLate", "DiskFilling"}
LOOK_BACK = 60


class Watched(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        try:
            cls.cluster.start()
        except Exception as error:
            raise RuntimeError(cls.cluster.logs()) from error
        cls.prometheus = cls.cluster.prometheus
        cls.fault_only = expressions.read_fault_only(check_queries.FAULT_ONLY)

    def assert_comes_true(self, condition, what, timeout=60):
        try:
            wait_for(condition, what, timeout)
        except TimeoutError as error:
            self.fail(f"{error}\n{self.cluster.logs()}")

    def expression(self, place):
        texts = {one.place: one for one in expressions.of_dashboards(expressions.read_dashboards())}
        return texts[place].filled_in(4)

    def assert_speaks(self, place):
        """What is silent while all is well has data now."""
        self.assertIn(place, self.fault_only)
        text = self.expression(place)
        self.assert_comes_true(lambda: self.prometheus.has_data(text, LOOK_BACK, 1), f"{place}: {text}")

    def assert_fires(self, *names, timeout=90):
        self.assert_comes_true(lambda: set(names) <= self.prometheus.firing(), f"{names} to fire", timeout)

    # In the order of their names, for the faults are not undone.

    def test_1_every_expression_has_data_and_nothing_fires_while_all_is_well(self):
        end = time.monotonic() + 90
        while complaints := check_queries.check(self.prometheus, LOOK_BACK, self.fault_only):
            if time.monotonic() > end:
                self.fail("\n".join(complaints) + self.cluster.logs())
            time.sleep(1)
        self.assertEqual(self.prometheus.firing() - OF_THE_MACHINE, set())
        # Every process knows the run, so that choosing it hides nothing.
        self.assertEqual(check_queries.check(self.prometheus, LOOK_BACK, self.fault_only, {"run": "watched"}), [])

    def test_2_what_is_listed_as_silent_exists(self):
        places = {one.place for one in expressions.of_dashboards(expressions.read_dashboards())}
        self.assertEqual(set(self.fault_only) - places, set())

    def test_3_a_faulty_sensor_is_marked(self):
        self.cluster.estuary("robot", "fault", "nan", f"--robot={self.cluster.robot}", "--count=3")
        self.assert_speaks("annotation Robot's faults")

    def test_4_a_process_that_starts_again_is_marked(self):
        os.kill(self.cluster.children("estuary-actor")[0], signal.SIGKILL)
        self.assert_speaks("annotation Processes that started")

    def test_5_somebody_without_the_role_or_a_certificate_is_counted(self):
        self.assertEqual(self.cluster.ask_without_the_role(), 403)
        self.assert_speaks("machines/Refused calls and failed handshakes/A")
        self.cluster.call_without_a_certificate()
        self.assert_speaks("machines/Refused calls and failed handshakes/B")

    def test_6_a_certificate_that_ends_soon_is_told(self):
        self.cluster.issue_certificate("bridge", "--days=3", "--replace")
        self.assert_comes_true(
            lambda: "CertificateExpiring" in self.prometheus.pending(), "CertificateExpiring to wait"
        )

    def test_7_fallback_and_emergency_stop_are_told(self):
        bridge = f"--bridge={self.cluster.bridge}"
        self.cluster.estuary("robot", "mode", "fallback", bridge)
        self.assert_fires("RobotInFallback")
        self.cluster.estuary("robot", "estop", bridge)
        self.assert_fires("RobotEmergencyStop")
        self.assert_speaks("overview/What fires/A")
        self.assert_speaks("annotation Alerts")

    def test_8_a_shard_and_a_learner_that_hang_are_told_and_what_follows_is_inhibited(self):
        self.cluster.hang(self.cluster.children("estuary-replay")[0])
        self.cluster.hang(self.cluster.children("estuary-learner")[0])
        self.assert_fires("ShardDown", "LearnerStopped", "TargetDown")
        self.assert_comes_true(
            lambda: {("TargetDown", "replay", True), ("TargetDown", "learner", True), ("ShardDown", None, False)}
            <= set(self.cluster.alerts_shown()),
            "Alertmanager to show the cause and hold back what follows",
        )


if __name__ == "__main__":
    unittest.main()
