"""The network policies let through the connections of docs/security.md, and no other."""

import re
import unittest

import manifests
from manifests import of_kind, pod_labels, selects, workloads

LABEL = "app.kubernetes.io/name"
# In docs/security.md, by the names that the pods go by.
OUTSIDE = "outside"
PROMETHEUS = "prometheus"


def documented():
    """(from, to, port) of the table in docs/security.md."""
    text = (manifests.ROOT / "docs/security.md").read_text()
    table = text.partition("<!-- connections")[2].partition("<!-- end of connections")[0]
    rows = re.findall(r"^\| `?([\w-]+)`? \| `?([\w-]+)`? \| (\d+) \|", table, re.MULTILINE)
    return {(a, b, int(port)) for a, b, port in rows}


def roles():
    """Role to the services whose methods it may call, by the roles' table of docs/security.md."""
    lines = (manifests.ROOT / "docs/security.md").read_text().partition("<!-- roles")[2].splitlines()
    header = [cell.strip() for cell in lines[1].split("|")[2:-1]]
    allowed = {role: set() for role in header}
    for line in lines[3:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        for role, cell in zip(header, cells[1:]):
            if cell == "x":
                allowed[role].add(cells[0].partition(".")[0])
    return allowed


def peer_names(overlay, peer):
    if "ipBlock" in peer:
        return {OUTSIDE}
    if "namespaceSelector" in peer:
        return set(peer["podSelector"]["matchLabels"].values())
    return {pod_labels(w)[LABEL] for w in workloads(overlay) if selects(peer["podSelector"], pod_labels(w))}


def arrows(overlay, direction, side):
    """(from, to, port) that the policies of one direction open."""
    found = set()
    for policy in of_kind(overlay, "NetworkPolicy"):
        own = [pod_labels(w)[LABEL] for w in workloads(overlay) if selects(policy["spec"]["podSelector"], pod_labels(w))]
        for rule in policy["spec"].get(direction, []):
            for peer in rule[side]:
                for other in peer_names(overlay, peer):
                    for port in rule["ports"]:
                        for me in own:
                            pair = (other, me) if direction == "ingress" else (me, other)
                            found.add((*pair, port["port"]))
    return found


class Network(unittest.TestCase):
    def test_everything_is_denied_that_no_policy_allows(self):
        for overlay in manifests.OVERLAYS:
            everything = [p["spec"] for p in of_kind(overlay, "NetworkPolicy") if p["spec"]["podSelector"] == {}]
            self.assertIn({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, everything)

    def test_both_ends_of_every_connection_are_opened(self):
        for overlay in manifests.OVERLAYS:
            into = {a for a in arrows(overlay, "ingress", "from") if a[0] not in (OUTSIDE, PROMETHEUS)}
            out = {a for a in arrows(overlay, "egress", "to") if a[1] != "kube-dns"}
            self.assertEqual(into, out, overlay)

    def test_the_connections_are_the_documented_ones(self):
        opened = arrows(manifests.FULLEST, "ingress", "from")
        # Robots and operators of flesh and blood.
        self.assertEqual({a for a in opened if a[0] == OUTSIDE}, {(OUTSIDE, "bridge", 5201)})
        # The Job that imports the dataset is an operator, too, as far as the replay goes.
        expected = {("dataset" if (a, b) == ("operator", "replay") else a, b, port) for a, b, port in documented()}
        self.assertEqual({a for a in opened if a[0] != OUTSIDE}, expected)

    def test_no_pod_without_a_connection_has_one(self):
        self.assertEqual(arrows("sweep", "ingress", "from"), set())

    def test_every_documented_connection_is_one_that_roles_allow(self):
        allowed = roles()
        services = {"replay": {"Replay"}, "learner": {"Learner"}, "bridge": {"RobotLink", "RobotOperator"}}
        self.assertTrue(documented())
        for a, b, _ in documented():
            if a != PROMETHEUS:
                with self.subTest(f"{a} to {b}"):
                    self.assertTrue(allowed[a] & services[b])


if __name__ == "__main__":
    unittest.main()
