"""Secrets: those that are made are those that are named, and say whom others call."""

import base64
import fnmatch
import functools
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import manifests
from manifests import containers, flags, of_kind, pod, pod_labels, title, workloads

LABEL = "app.kubernetes.io/name"
# Whose certificates call nobody's name: they are clients.
CLIENTS = {"estuary-robot", "estuary-operator", "estuary-viewer"}


@functools.cache
def made_by_the_script():
    """Secret to (type, its data)."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [manifests.KUBERNETES / "secrets", folder + "/certs"], check=True, capture_output=True, text=True,
            env={**os.environ, "ESTUARY": os.environ["ESTUARY_BIN_DIR"] + "/estuary"},
        )
    objects = [o for o in yaml.safe_load_all(run.stdout) if o]
    return {o["metadata"]["name"]: (o["type"], {k: base64.b64decode(v) for k, v in o["data"].items()}) for o in objects}


def alternative_names(pem):
    """(DNS names, URIs) of a certificate."""
    said = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=pem, check=True,
                          capture_output=True).stdout.decode()
    return set(re.findall(r"DNS:([^,\s]+)", said)), set(re.findall(r"URI:([^,\s]+)", said))


def mounted(workload):
    """Secret to the items that become files."""
    return {v["secret"]["secretName"]: v["secret"]["items"] for v in pod(workload).get("volumes", []) if "secret" in v}


class Certificates(unittest.TestCase):
    def test_every_secret_that_is_named_is_made_by_the_script(self):
        made = made_by_the_script()
        self.assertEqual({kind for kind, _ in made.values()}, {"kubernetes.io/tls"})
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for secret, items in mounted(workload).items():
                    with self.subTest(title(overlay, workload)):
                        self.assertLessEqual({i["key"] for i in items}, set(made[secret][1]))
                        self.assertEqual({i["path"] for i in items}, {"ca.pem", "cert.pem", "key.pem"})
            for monitor in of_kind(overlay, "ServiceMonitor"):
                tls = monitor["spec"]["endpoints"][0]["tlsConfig"]
                for source in (tls["ca"]["secret"], tls["cert"]["secret"], tls["keySecret"]):
                    self.assertIn(source["key"], made[source["name"]][1])

    def test_cert_manager_makes_the_same(self):
        issued = {
            o["spec"]["secretName"]: o["spec"]
            for o in of_kind(manifests.FULLEST, "Certificate") if not o["spec"].get("isCA")
        }
        made = made_by_the_script()
        self.assertEqual(set(issued), set(made))
        for secret, (_, data) in made.items():
            dns, uris = alternative_names(data["tls.crt"])
            self.assertEqual(set(issued[secret].get("dnsNames", [])), dns, secret)
            self.assertEqual(set(issued[secret]["uris"]), uris, secret)
            self.assertEqual(bool(dns), secret not in CLIENTS)

    def test_every_process_has_the_certificate_of_its_role(self):
        role_of = {"dataset": "operator"}
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                part = pod_labels(workload)[LABEL]
                if part == "sweep":
                    self.assertFalse(mounted(workload))
                    continue
                self.assertEqual(list(mounted(workload)), [f"estuary-{role_of.get(part, part)}"], title(overlay, workload))

    def test_servers_are_named_in_their_certificates_as_they_are_called(self):
        made = made_by_the_script()
        names = {secret: alternative_names(data["tls.crt"])[0] for secret, (_, data) in made.items()}
        callee = {"replay": "estuary-replay", "learner": "estuary-learner", "bridge": "estuary-bridge"}

        def check(host, secret, where):
            self.assertTrue(any(fnmatch.fnmatchcase(host, pattern) for pattern in names[secret]), f"{where}: {host}")

        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for c in containers(workload):
                    for flag, value in flags(c.get("args", [])).items():
                        for address in value.removeprefix("dns:///").split(",") if flag in callee else []:
                            check(address.partition(":")[0], callee[flag], title(overlay, workload))
                    if "livenessProbe" in c or "readinessProbe" in c:
                        check("localhost", next(iter(mounted(workload))), title(overlay, workload))
            for monitor in of_kind(overlay, "ServiceMonitor"):
                part = monitor["spec"]["selector"]["matchLabels"][LABEL]
                check(monitor["spec"]["endpoints"][0]["tlsConfig"]["serverName"], f"estuary-{part}", "ServiceMonitor")


if __name__ == "__main__":
    unittest.main()
