"""The manifests as `kubectl kustomize` renders them, and what the tests ask of them."""

import functools
import os
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("overlays/cpu", "overlays/gpu", "overlays/lab", "sweep")
# An overlay with everything in it.
FULLEST = "overlays/lab"


@functools.cache
def render(overlay):
    """Every object of an overlay."""
    rendered = subprocess.run(
        [os.environ["KUBECTL"], "kustomize", KUBERNETES / overlay],
        check=True, capture_output=True, text=True,
    )
    # Whatever kustomize warns of (deprecated fields, patches that hit nothing) is an error here.
    assert not rendered.stderr, rendered.stderr
    return [o for o in yaml.safe_load_all(rendered.stdout) if o]


def of_kind(overlay, *kinds):
    return [o for o in render(overlay) if o["kind"] in kinds]


def name(o):
    return o["metadata"]["name"]


def title(overlay, o):
    return f"{overlay}: {o['kind']} {name(o)}"


def workloads(overlay):
    return of_kind(overlay, "Deployment", "StatefulSet", "Job")


def pod(workload):
    return workload["spec"]["template"]["spec"]


def pod_labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def containers(workload):
    return pod(workload).get("initContainers", []) + pod(workload)["containers"]


def claims(workload):
    """Names of the volumes that a StatefulSet makes claims for."""
    return [name(c) for c in workload["spec"].get("volumeClaimTemplates", [])]


def selects(selector, labels):
    """Whether a label selector matches."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        there = labels.get(rule["key"])
        if rule["operator"] == "In" and there not in rule["values"]:
            return False
        if rule["operator"] not in ("In",):
            raise ValueError(f"the tests do not know the operator {rule['operator']}")
    return True


def program(container):
    """The Dockerfile's target that a container's image comes from."""
    repository, _, _ = container["image"].rpartition(":")
    return repository.rpartition("/")[2]


def flags(arguments):
    """--name=value of a command line, as a dictionary; a flag alone is 'true'."""
    pairs = (a[2:].partition("=") for a in arguments if a.startswith("--"))
    return {key: value if equals else "true" for key, equals, value in pairs}
