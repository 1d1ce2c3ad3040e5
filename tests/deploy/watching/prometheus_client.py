"""A Prometheus's HTTP interface, as far as the checks need it. Only Python's standard library."""

import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request


class QueryError(RuntimeError):
    pass


class Prometheus:
    def __init__(self, url):
        self._url = url.rstrip("/")

    def get(self, path, **parameters):
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")
            raise QueryError(f"{parameters.get('query', path)}: {body}") from error

    def ready(self):
        try:
            urllib.request.urlopen(f"{self._url}/-/ready", timeout=5).close()
            return True
        except (urllib.error.URLError, OSError):
            return False

    def instant(self, expression):
        return self.get("query", query=expression)["result"]

    def has_data(self, expression, seconds, step):
        """Whether the last `seconds` hold a number for it; raises QueryError where it does not parse."""
        now = time.time()
        series = self.get("query_range", query=expression, start=now - seconds, end=now, step=step)["result"]
        return any(not math.isnan(float(value)) for one in series for _, value in one["values"])

    def scrape_interval(self):
        """The longest of all targets, in seconds."""
        intervals = [target["scrapeInterval"] for target in self.get("targets")["activeTargets"]]
        return max([seconds(interval) for interval in intervals], default=5.0)

    def alerting_rules(self):
        groups = self.get("rules", type="alert")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self):
        return self._alerts("firing")

    def pending(self):
        """Alerts whose expression holds, but not yet for as long as it must."""
        return self._alerts("pending")

    def _alerts(self, state):
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == state}


def seconds(duration):
    """Of "1m30s"."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    total, number, unit = 0.0, "", ""
    for character in duration + "0":
        if character.isdigit() or character == ".":
            if unit:
                total += float(number) * units[unit]
                number, unit = "", ""
            number += character
        else:
            unit += character
    return total
