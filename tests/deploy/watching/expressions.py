"""Every PromQL expression that people look at: of the dashboards' panels, variables and annotations.

Only Python's standard library, so that it runs wherever there is a Prometheus to ask.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
DASHBOARDS = ROOT / "deploy/grafana/dashboards"


class Expression:
    def __init__(self, place, text):
        # "learner/Losses of the critics/A": dashboard, panel, query; "annotation Alerts"; "variable run".
        self.place = place
        self.text = text

    def filled_in(self, rate_interval, chosen=None):
        """As Grafana would send it with these values of variables chosen, and "All" of the others."""
        text = self.text.replace("$__rate_interval", f"{rate_interval}s")
        text = text.replace("$__interval", f"{rate_interval}s")
        return re.sub(r"\$(\w+)", lambda variable: (chosen or {}).get(variable[1], ".*"), text)


def read_dashboards():
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels_of(dashboard):
    """All panels but the headings of rows, those inside folded rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def of_dashboards(dashboards):
    """Each expression by its place; annotations and variables, which dashboards share, once."""
    seen = set()
    for name, dashboard in dashboards.items():
        for panel in panels_of(dashboard):
            for target in panel["targets"]:
                yield Expression(f"{name}/{panel['title']}/{target['refId']}", target["expr"])
        for annotation in dashboard["annotations"]["list"]:
            if annotation["expr"] not in seen:
                seen.add(annotation["expr"])
                yield Expression(f"annotation {annotation['name']}", annotation["expr"])
        for variable in dashboard["templating"]["list"]:
            if variable["type"] != "query" or variable["query"]["query"] in seen:
                continue
            seen.add(variable["query"]["query"])
            call = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            yield Expression(f"variable {variable['name']}", f"count by ({call[2]}) ({call[1]})")


def metrics_of(text):
    """Names of Estuary's metrics in an expression, a histogram's without what its series end in."""
    names = re.findall(r"\bestuary_\w+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def documented_metrics():
    """Names in docs/metrics.md, which is made of what the binaries say."""
    return set(re.findall(r"^\| `(estuary_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


def selectors_of(text):
    """What an alert looks at: each series selector in its expression."""
    return sorted(set(re.findall(r"\b(?:estuary_|node_|process_)\w+(?:\{[^}]*\})?|\bup\b(?:\{[^}]*\})?", text)))


def read_fault_only(path):
    """Lines of "PLACE: REASON"; returns reasons by place."""
    reasons = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            place, _, reason = line.partition(": ")
            if not reason:
                raise ValueError(f"{path}: '{line}' gives no reason; write PLACE: REASON")
            reasons[place] = reason
    return reasons
