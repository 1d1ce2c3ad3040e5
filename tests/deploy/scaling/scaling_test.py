#!/usr/bin/env python3
"""scripts/scaling: that docs/scaling.md has its tables, and that its arithmetic is what it says."""

import argparse
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts/scaling"

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("scaling", str(SCRIPT))
scaling = importlib.util.module_from_spec(importlib.util.spec_from_loader("scaling", loader))
loader.exec_module(scaling)

# Round numbers.
CASES = {
    "half_cheetah": {"unit": "steps/s", "values": [50_000]},
    "append": {"unit": "rows/s", "values": [5_000_000]},
    "append_durable": {"unit": "rows/s", "values": [4_000_000, 1_000_000]},
    "sample_256": {"unit": "rows/s", "values": [5_000_000]},
    "follow": {"unit": "bytes/s", "values": [2e9]},
    "cheetah_cpu": {"unit": "updates/s", "values": [100, 200, 300]},
    "cheetah_cpu_2_threads": {"unit": "updates/s", "values": [400]},
}


def options(**changed):
    given = {"price": 0.04, "nic": 25, "cores": 32, "headroom": 0.5, "ratio": 1, "window": 10, "updates": None}
    return argparse.Namespace(**{**given, **changed})


def plan(actors, **changed):
    return scaling.Plan(actors, scaling.Figures(CASES), options(**changed))


class Scaling(unittest.TestCase):
    def test_the_page_has_the_tables_that_the_figures_give(self):
        run = subprocess.run([SCRIPT, "--check"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_page_with_another_number_is_found(self):
        page = scaling.PAGE.read_text()
        figures = scaling.Figures(CASES)
        self.assertNotEqual(scaling.fill(page, figures, options()), page)

    def test_takes_the_median_but_of_durable_appends_the_slowest(self):
        figures = scaling.Figures(CASES)
        self.assertEqual(figures.updates, 200)
        self.assertEqual(figures.durable, 1_000_000)

    def test_a_case_that_was_not_measured_is_named(self):
        with self.assertRaisesRegex(SystemExit, "no case 'follow'"):
            scaling.Figures({name: case for name, case in CASES.items() if name != "follow"})

    def test_counts_rows_bytes_and_shards(self):
        p = plan(1000)
        self.assertEqual(p.rows, 50_000_000)
        self.assertEqual(p.bytes, 50_000_000 * 174)
        # Half of 5 M rows/s a shard; the network would do with six.
        self.assertEqual(p.shards, 20)
        self.assertEqual(p.cores, 1000 + 20 + 1)
        self.assertEqual(p.ratio, 250_000)

    def test_a_thin_network_asks_for_more_machines(self):
        p = plan(1000, nic=1)
        self.assertEqual(p.shards, 140)
        self.assertEqual(p.machines, 140)

    def test_a_learner_follows_while_it_can_and_is_given_batches_beyond(self):
        few, many = plan(100), plan(200)
        self.assertTrue(few.follows)
        self.assertEqual(few.to_learner, few.bytes)
        self.assertFalse(many.follows)
        self.assertEqual(many.to_learner, 200 * 384 * 174)

    def test_a_faster_learner_sends_more_versions_and_calls_for_fewer_steps(self):
        slow, fast = plan(10), plan(10, updates=2000)
        self.assertAlmostEqual(fast.policies, 10 * slow.policies)
        self.assertAlmostEqual(fast.ratio, slow.ratio / 10)

    def test_writes_numbers_with_three_digits(self):
        self.assertEqual(scaling.si(1_234_567, "B/s"), "1.23 MB/s")
        self.assertEqual(scaling.si(999_960, "rows/s"), "1 M rows/s")
        self.assertEqual(scaling.si(12, "rows/s"), "12 rows/s")

    def test_collects_each_case_of_a_run_once(self):
        benchmarks = {"cases": {"append": {"unit": "rows/s", "values": [1.0]}}}
        lines = ["BENCH append 2 rows/s ratio=1 against=goal", "noise", "BENCH x 5.5 updates/s ratio=1 against=a",
                 "BENCH x 5.5 updates/s ratio=2 against=b"]
        self.assertEqual(scaling.collect(lines, benchmarks), 2)
        self.assertEqual(benchmarks["cases"]["append"]["values"], [1.0, 2.0])
        self.assertEqual(benchmarks["cases"]["x"], {"unit": "updates/s", "values": [5.5]})

    def test_refuses_a_case_in_another_unit(self):
        benchmarks = {"cases": {"append": {"unit": "rows/s", "values": []}}}
        with self.assertRaisesRegex(SystemExit, "in bytes/s, and was in rows/s"):
            scaling.collect(["BENCH append 2 bytes/s ratio=1 against=goal"], benchmarks)


if __name__ == "__main__":
    unittest.main()
