"""What one object says of another: selectors, ports, volumes, images. No schema knows these."""

import functools
import re
import unittest

import manifests
from manifests import containers, name, of_kind, pod, pod_labels, render, selects, title, workloads


def ports_of(workload):
    return {p["name"]: p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}


def selected(overlay, selector):
    return [w for w in workloads(overlay) if selects(selector, pod_labels(w))]


def every(*kinds):
    """Makes a check of one object a test of all objects of these kinds in all overlays."""

    def decorate(check):
        @functools.wraps(check)
        def test(self):
            for overlay in manifests.OVERLAYS:
                for o in of_kind(overlay, *kinds):
                    with self.subTest(title(overlay, o)):
                        check(self, overlay, o)

        return test

    return decorate


class References(unittest.TestCase):

    @every("Deployment", "StatefulSet")
    def test_workloads_select_their_own_pods_and_no_others(self, overlay, o):
        self.assertEqual([name(w) for w in selected(overlay, o["spec"]["selector"])], [name(o)])

    @every("Service")
    def test_services_lead_to_ports_that_a_container_has(self, overlay, service):
        targets = selected(overlay, {"matchLabels": service["spec"]["selector"]})
        self.assertEqual(len(targets), 1)
        ports = ports_of(targets[0])
        for port in service["spec"]["ports"]:
            self.assertEqual(ports.get(port["targetPort"]), port["port"], port)

    @every("Deployment", "StatefulSet")
    def test_every_port_of_a_container_is_behind_a_service(self, overlay, workload):
        behind = {
            port["targetPort"]
            for service in of_kind(overlay, "Service")
            if selects({"matchLabels": service["spec"]["selector"]}, pod_labels(workload))
            for port in service["spec"]["ports"]
        }
        self.assertEqual(behind, set(ports_of(workload)))

    @every("StatefulSet")
    def test_stateful_sets_name_a_headless_service_of_theirs(self, overlay, o):
        [service] = [s for s in of_kind(overlay, "Service") if name(s) == o["spec"]["serviceName"]]
        self.assertEqual(service["spec"]["clusterIP"], "None")
        self.assertTrue(selects({"matchLabels": service["spec"]["selector"]}, pod_labels(o)))

    @every("PodDisruptionBudget")
    def test_budgets_guard_something(self, overlay, budget):
        self.assertEqual(len(selected(overlay, budget["spec"]["selector"])), 1)

    @every("HorizontalPodAutoscaler")
    def test_the_autoscaler_has_the_deployment_to_itself(self, overlay, scaler):
        target = scaler["spec"]["scaleTargetRef"]
        [workload] = [w for w in of_kind(overlay, target["kind"]) if name(w) == target["name"]]
        self.assertEqual(workload["apiVersion"], target["apiVersion"])
        # A number in the manifest would undo the autoscaler's with every `kubectl apply`.
        self.assertNotIn("replicas", workload["spec"])
        # Utilization is of what is requested.
        self.assertIn("cpu", containers(workload)[0]["resources"]["requests"])

    @every("ServiceMonitor")
    def test_monitors_find_a_port_of_a_service(self, overlay, monitor):
        selector, port = monitor["spec"]["selector"], monitor["spec"]["endpoints"][0]["port"]
        found = [s for s in of_kind(overlay, "Service") if selects(selector, s["metadata"]["labels"])]
        with_port = [s for s in found for p in s["spec"]["ports"] if p["name"] == port]
        # Two would scrape each pod twice.
        self.assertEqual(len(with_port), 1)

    def test_every_process_with_metrics_is_monitored(self):
        overlay = manifests.FULLEST
        serving = {pod_labels(w)["app.kubernetes.io/name"] for w in workloads(overlay) if "metrics" in ports_of(w)}
        monitors = of_kind(overlay, "ServiceMonitor")
        self.assertEqual(serving, {m["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for m in monitors})

    @every("Deployment", "StatefulSet", "Job")
    def test_volumes_mounts_and_claims_fit_together(self, overlay, workload):
        there = {v["name"] for v in pod(workload).get("volumes", [])} | set(manifests.claims(workload))
        mounted = {m["name"] for c in containers(workload) for m in c.get("volumeMounts", [])}
        self.assertEqual(there, mounted)
        made = {name(o) for o in of_kind(overlay, "PersistentVolumeClaim")}
        for volume in pod(workload).get("volumes", []):
            if "persistentVolumeClaim" in volume:
                self.assertIn(volume["persistentVolumeClaim"]["claimName"], made)

    @every("Deployment", "StatefulSet", "Job")
    def test_every_config_map_that_is_named_exists_with_the_keys_that_are_read(self, overlay, workload):
        maps = {name(o): o["data"] for o in of_kind(overlay, "ConfigMap")}
        for volume in pod(workload).get("volumes", []):
            if "configMap" in volume:
                self.assertIn(volume["configMap"]["name"], maps)
        for c in containers(workload):
            known = {e["name"] for e in c.get("env", [])}
            for source in c.get("envFrom", []):
                known |= set(maps[source["configMapRef"]["name"]])
            for argument in c.get("args", []):
                self.assertLessEqual(set(re.findall(r"\$\((\w+)\)", argument)), known)
            for argument in c.get("args", []):
                path = argument.partition("=")[2]
                if path.startswith("/etc/estuary/experiment/"):
                    [mount] = [m for m in c["volumeMounts"] if m["mountPath"] == "/etc/estuary/experiment"]
                    [volume] = [v for v in pod(workload)["volumes"] if v["name"] == mount["name"]]
                    self.assertIn(path.rpartition("/")[2], maps[volume["configMap"]["name"]])

    @every("Deployment", "StatefulSet", "Job")
    def test_images_are_targets_of_the_dockerfile(self, _, workload):
        dockerfile = (manifests.ROOT / "deploy/docker/Dockerfile").read_text()
        targets = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
        for c in containers(workload):
            repository, _, tag = c["image"].rpartition(":")
            self.assertRegex(tag, r"^\d+\.\d+\.\d+$", "an image without a version")
            self.assertEqual(repository, f"estuary/{manifests.program(c)}")
            self.assertIn(manifests.program(c), targets)

    def test_all_is_in_one_namespace(self):
        for overlay in manifests.OVERLAYS:
            for o in render(overlay):
                if o["kind"] != "Namespace":
                    self.assertEqual(o["metadata"].get("namespace"), "estuary", title(overlay, o))


if __name__ == "__main__":
    unittest.main()
