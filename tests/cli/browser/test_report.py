"""Reports as a person meets them: opened from a file in a browser that has no network."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from browser import Browser

BIN = pathlib.Path(os.environ["ESTUARY_BIN_DIR"])
# Where screenshots are left for people; nowhere if empty.
PICTURES = os.environ.get("ESTUARY_PICTURES", "")

EXPERIMENT = """
name: '{name}' task: 'wheel_legged_stand'
dataset {{ path: 'real.h5' }}
algorithm {{ name: '{algorithm}' }}
networks {{ hidden: [32, 32] discriminator_hidden: [32, 32] observation_scale: [5, 1, 2, 2] }}
optimizer {{ batch_size: 64 reward_scale: 0.0033 }}
budget {{
  environment_steps: 2000 gradient_steps: 2000
  environment_steps_per_epoch: 200 gradient_steps_per_epoch: 200
}}
evaluation {{ every_epochs: 2 episodes: 1 sim_episodes: 1 }}
"""

# A curve is a path without a fill that goes somewhere: its box as it is drawn, and how much of
# its figure that is.
CURVES = """
[...document.querySelectorAll('figure svg')].map(svg => {
  const figure = svg.getBoundingClientRect();
  const curves = [...svg.querySelectorAll('g[id*="_plot_"] path')]
      .map(path => path.getBoundingClientRect())
      .filter(box => box.width > figure.width / 20 && box.width <= figure.width);
  const texts = [...svg.querySelectorAll('text')].map(text => text.textContent.trim());
  return {texts, width: figure.width, height: figure.height, curves: curves.length};
})
"""


def estuary(folder, *arguments):
    return subprocess.run([BIN / "estuary", *arguments], cwd=folder, check=True, capture_output=True, timeout=240)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="estuary-report-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        estuary(cls.folder, "dataset", "generate", "wheel_legged_stand", "--output=real.h5", "--transitions=4000")
        for algorithm in ("h2o", "cql"):
            experiment = cls.folder / f"{algorithm}.textproto"
            experiment.write_text(EXPERIMENT.format(name=algorithm, algorithm=algorithm))
            estuary(cls.folder, "train", experiment.name)
        estuary(cls.folder, "report", "runs/h2o", "runs/cql", "--output=both.html")
        cls.browser = cls.enterClassContext(Browser())

    def open(self, path, picture):
        url = (self.folder / path).as_uri()
        page = self.browser.open(url)
        if PICTURES:
            self.browser.screenshot(os.path.join(PICTURES, picture))
        self.assertEqual(page.complaints, [], f"{path} complains in the console")
        self.assertEqual(page.requests, [url], f"{path} asks for more than itself")
        return self.browser.evaluate(CURVES)

    def assert_drawn(self, figures):
        self.assertGreaterEqual(len(figures), 2)
        for figure in figures:
            with self.subTest(figure["texts"]):
                self.assertGreater(figure["width"], 300)
                self.assertGreater(figure["height"], 150)
                self.assertGreater(figure["curves"], 0, "a figure without a curve")
        # What identifies parts of a figure must differ between figures, or one draws another's.
        self.assertEqual(
            self.browser.evaluate(
                "(ids => ids.filter((id, i) => ids.indexOf(id) !== i))"
                "([...document.querySelectorAll('[id]')].map(element => element.id))"
            ),
            [],
        )

    def test_of_a_run_shows_its_curves_and_fetches_nothing(self):
        figures = self.open("runs/h2o/report.html", "run.png")
        self.assert_drawn(figures)
        texts = [text for figure in figures for text in figure["texts"]]
        self.assertIn("Mean return of the deterministic policy", texts)
        self.assertIn("in reality", texts)
        self.assertIn("loss/policy", texts)

    def test_of_several_runs_shows_a_row_for_each(self):
        self.assert_drawn(self.open("both.html", "several.png"))
        rows = self.browser.evaluate(
            "[...document.querySelectorAll('table tr td:first-child')].map(cell => cell.textContent)"
        )
        self.assertTrue(any("H2O" in row for row in rows), rows)
        self.assertTrue(any("CQL" in row for row in rows), rows)

    def test_a_page_that_fails_would_be_noticed(self):
        page = self.folder / "bad.html"
        page.write_text(
            "<script>console.error('a complaint'); missing();</script>" "<img src='http://127.0.0.1:9/picture.png'>"
        )
        seen = self.browser.open(page.as_uri())
        self.assertIn("a complaint", seen.complaints)
        self.assertTrue(any("Uncaught" in complaint for complaint in seen.complaints))
        self.assertIn("http://127.0.0.1:9/picture.png", seen.requests)


if __name__ == "__main__":
    unittest.main()
