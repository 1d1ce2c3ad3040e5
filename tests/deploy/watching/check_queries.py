#!/usr/bin/env python3
"""Evaluates every expression of every dashboard and alert against a running Prometheus.

  tests/deploy/watching/check_queries.py --prometheus=http://127.0.0.1:9090 [--seconds=120] [--run=RUN] [--without=PLACE,...]

Each panel's, annotation's and variable's expression must return numbers for the last --seconds, and every series that
an alert looks at must be there, but for what fault_only.txt names. The Prometheus must have loaded
deploy/prometheus/rules. Says what did not; ends with 1 then. Only Python's standard library.
"""

import argparse
import pathlib
import sys

import expressions
from prometheus_client import Prometheus, QueryError

FAULT_ONLY = pathlib.Path(__file__).resolve().parent / "fault_only.txt"


def silent_panels(prometheus, seconds, chosen):
    """Places and expressions that return nothing, in words."""
    interval = prometheus.scrape_interval()
    for expression in expressions.of_dashboards(expressions.read_dashboards()):
        text = expression.filled_in(max(1, round(4 * interval)), chosen)
        try:
            if not prometheus.has_data(text, seconds, max(1, interval)):
                yield expression.place, f"no data for {text}"
        except QueryError as error:
            yield expression.place, str(error)


def blind_alerts(prometheus, seconds):
    """Alerts whose expression cannot be evaluated, or that look at series that are not there."""
    rules = prometheus.alerting_rules()
    if not rules:
        yield "alerts", "this Prometheus has loaded no alerting rules; its rule_files must name deploy/prometheus/rules/*.yml"
    for rule in rules:
        if rule["health"] != "ok":
            yield f"alert {rule['name']}", f"its evaluation is {rule['health']}: {rule.get('lastError', '')}"
        for selector in expressions.selectors_of(rule["query"]):
            if not prometheus.has_data(selector, seconds, 5):
                yield f"alert {rule['name']} {selector.partition('{')[0]}", f"no series {selector}"


def check(prometheus, seconds, allowed, chosen=None):
    """Complaints, in words. What is allowed to be silent and is not is none: it was made to speak by a fault."""
    complaints = []
    for place, what in [*silent_panels(prometheus, seconds, chosen), *blind_alerts(prometheus, seconds)]:
        if place not in allowed:
            complaints.append(f"{place}: {what}")
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--seconds", type=float, default=120, help="how far back to look (default 120)")
    parser.add_argument("--run", default=".*", help="as if this run were chosen on the dashboards (default: all)")
    parser.add_argument(
        "--without", default="", help="places that may be silent here beside fault_only.txt's, with commas"
    )
    arguments = parser.parse_args()
    allowed = set(expressions.read_fault_only(FAULT_ONLY)) | set(filter(None, arguments.without.split(",")))
    complaints = check(Prometheus(arguments.prometheus), arguments.seconds, allowed, {"run": arguments.run})
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(complaints)} expressions without data" if complaints else "every expression has data")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
