"""The dashboards' JSON: as the generator makes it, as the schema wants it, and fit for people."""

import copy
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import expressions
import schema
from grafana_foundation_sdk.models import units

SOURCES = expressions.ROOT / "deploy/grafana/source"
sys.path.insert(0, str(SOURCES))
from board import PROVISIONED_SOURCE, PrometheusAnnotation  # noqa: E402

UNITS = {getattr(units, name) for name in dir(units) if name[0].isupper()}
COLUMNS = 24


class Dashboards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboards = expressions.read_dashboards()

    def each_panel(self):
        for name, dashboard in self.dashboards.items():
            for panel in expressions.panels_of(dashboard):
                yield f"{name}: {panel.get('title')}", panel

    def test_are_the_six_that_people_are_told_of(self):
        titles = [dashboard["title"] for dashboard in self.dashboards.values()]
        self.assertCountEqual(titles, ["Overview", "Learner", "Replay", "Actors", "Robot", "Machines"])

    def test_are_what_the_generator_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, SOURCES / "generate.py", folder], check=True)
            made = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}
        committed = {path.name: path.read_text() for path in expressions.DASHBOARDS.iterdir()}
        self.assertEqual(made.keys(), committed.keys())
        for name in made:
            self.assertEqual(made[name], committed[name], f"{name} is not what deploy/grafana/source/generate.py makes")

    def test_fit_the_schema(self):
        allowed = [f".{key}" for key in PrometheusAnnotation.EXTRA_KEYS]
        for name, dashboard in self.dashboards.items():
            self.assertEqual(schema.violations(dashboard, allowed), [], name)

    def test_would_not_with_a_key_that_is_none_or_a_value_of_another_type(self):
        dashboard = copy.deepcopy(self.dashboards["overview"])
        dashboard["annotations"]["list"] = []
        panel = next(panel for panel in dashboard["panels"] if panel["type"] == "timeseries")
        panel["options"]["legende"] = {}
        panel["fieldConfig"]["defaults"]["custom"]["lineWidht"] = 1
        panel["gridPos"]["w"] = "8"
        found = schema.violations(dashboard)
        self.assertEqual([path.rpartition(".")[2] for path in found[:2]], ["lineWidht", "legende"])
        self.assertRegex(found[2], r"grid_pos.w is '8', not <class 'int'>")
        self.assertEqual(len(found), 3)

    def test_are_of_one_schema_and_have_names_for_ever(self):
        for name, dashboard in self.dashboards.items():
            self.assertEqual(dashboard["schemaVersion"], 41)
            self.assertRegex(dashboard["uid"], r"^estuary-[a-z]+$")
            self.assertGreater(len(dashboard["description"]), 20)
            self.assertIn("estuary", dashboard["tags"])

    def test_link_to_each_other_and_keep_what_was_chosen(self):
        for name, dashboard in self.dashboards.items():
            (link,) = dashboard["links"]
            self.assertEqual((link["type"], link["tags"]), ("dashboards", ["estuary"]))
            self.assertTrue(link["includeVars"] and link["keepTime"])

    def test_ask_the_provisioned_prometheus_by_a_variable(self):
        for name, dashboard in self.dashboards.items():
            variable = dashboard["templating"]["list"][0]
            self.assertEqual((variable["type"], variable["name"]), ("datasource", "datasource"))
            self.assertEqual(variable["current"]["value"], PROVISIONED_SOURCE)
        for place, panel in self.each_panel():
            for holder in (panel, *panel["targets"]):
                self.assertEqual(holder["datasource"], {"type": "prometheus", "uid": "${datasource}"})

    def test_mark_policies_and_faults(self):
        for name, dashboard in self.dashboards.items():
            names = [annotation["name"] for annotation in dashboard["annotations"]["list"]]
            self.assertIn("Policy versions", names)
            self.assertIn("Robot's faults", names)

    def test_use_only_variables_that_they_have(self):
        for name, dashboard in self.dashboards.items():
            names = {variable["name"] for variable in dashboard["templating"]["list"]}
            for text in expressions.of_dashboards({"": dashboard}):
                used = set(re.findall(r"\$(\w+)", text.text)) - {"__rate_interval", "__interval"}
                if not text.place.startswith("annotation"):
                    self.assertLessEqual(used, names, text.place)

    def test_ask_for_metrics_that_are_documented(self):
        documented = expressions.documented_metrics()
        for expression in expressions.of_dashboards(self.dashboards):
            self.assertLessEqual(expressions.metrics_of(expression.text), documented, expression.place)

    def test_panels_say_what_they_show_and_in_which_unit(self):
        for place, panel in self.each_panel():
            self.assertGreater(len(panel["title"]), 2)
            self.assertGreater(len(panel["description"]), 15)
            self.assertTrue(panel["description"].endswith("."), panel["description"])
            self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS)

    def test_panels_name_runbooks_that_exist(self):
        for place, panel in self.each_panel():
            for path in re.findall(r"docs/runbooks/\w+\.md", panel["description"]):
                self.assertTrue((expressions.ROOT / path).is_file(), path)

    def test_panels_have_ids_and_titles_of_their_own(self):
        for name, dashboard in self.dashboards.items():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            titles = [panel["title"] for panel in expressions.panels_of(dashboard)]
            self.assertEqual(len(titles), len(set(titles)))

    def test_panels_fill_the_grid_without_overlap_or_holes(self):
        for name, dashboard in self.dashboards.items():
            taken = {}
            for panel in dashboard["panels"]:
                at = panel["gridPos"]
                for x in range(at["x"], at["x"] + at["w"]):
                    for y in range(at["y"], at["y"] + at["h"]):
                        self.assertNotIn((x, y), taken, f"{panel['title']} lies upon {taken.get((x, y))}")
                        self.assertLess(x, COLUMNS, panel["title"])
                        taken[x, y] = panel["title"]
            height = 1 + max(y for _, y in taken)
            self.assertEqual(len(taken), COLUMNS * height, "a hole in the grid")

    def test_heat_maps_are_of_buckets_as_prometheus_has_them(self):
        found = 0
        for place, panel in self.each_panel():
            if panel["type"] == "heatmap":
                found += 1
                (target,) = panel["targets"]
                self.assertEqual(target["format"], "heatmap")
                self.assertRegex(target["expr"], r"^sum by \(le\) \(rate\(\w+_bucket\{.*\}\[\$__rate_interval\]\)\)$")
                self.assertFalse(panel["options"]["calculate"])
        self.assertGreaterEqual(found, 9)

    def test_timelines_name_and_colour_every_state(self):
        for place, panel in self.each_panel():
            if panel["type"] == "state-timeline":
                (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
                self.assertEqual(mapping["type"], "value")
                self.assertGreaterEqual(len(mapping["options"]), 3)
                for state in mapping["options"].values():
                    self.assertTrue(state["text"] and state["color"])

    def test_expressions_are_told_apart_in_legends(self):
        for place, panel in self.each_panel():
            if panel["type"] in ("timeseries", "state-timeline"):
                self.assertNotIn("", [target["legendFormat"] for target in panel["targets"]])


class Provisioning(unittest.TestCase):
    def test_names_the_data_source_and_the_folder_that_the_dashboards_are_in(self):
        import yaml

        folder = expressions.ROOT / "deploy/grafana/provisioning"
        sources = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"]
        self.assertIn((PROVISIONED_SOURCE, "prometheus"), [(source["uid"], source["type"]) for source in sources])
        (provider,) = yaml.safe_load((folder / "dashboards/estuary.yaml").read_text())["providers"]
        self.assertEqual(provider["options"]["path"], "/etc/grafana/dashboards")


if __name__ == "__main__":
    unittest.main()
