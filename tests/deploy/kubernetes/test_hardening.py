"""What every pod must not be able to do."""

import unittest

import manifests
from manifests import containers, name, of_kind, pod, title, workloads

# By components/robot-realtime, and nothing else.
REALTIME = {("bridge", ("IPC_LOCK", "SYS_NICE"))}


def realtime(workload):
    return any(c["securityContext"]["capabilities"].get("add") for c in containers(workload))


class Hardening(unittest.TestCase):
    def test_no_pod_is_root_or_holds_a_token(self):
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                with self.subTest(title(overlay, workload)):
                    spec = pod(workload)
                    security = spec["securityContext"]
                    user = 0 if realtime(workload) else 10001
                    self.assertIs(security["runAsNonRoot"], user != 0)
                    ids = tuple(security[i] for i in ("runAsUser", "runAsGroup", "fsGroup"))
                    self.assertEqual(ids, (user, 10001, 10001))
                    self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertIs(spec["automountServiceAccountToken"], False)
                    self.assertIs(spec["enableServiceLinks"], False)
                    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
                        self.assertNotIn(forbidden, spec)
                    for volume in spec.get("volumes", []):
                        self.assertNotIn("hostPath", volume)

    def test_no_container_writes_its_image_or_gains_a_capability(self):
        gained = set()
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for c in containers(workload):
                    with self.subTest(title(overlay, workload), container=c["name"]):
                        security = c["securityContext"]
                        self.assertIs(security["allowPrivilegeEscalation"], False)
                        self.assertIs(security["readOnlyRootFilesystem"], True)
                        self.assertEqual(security["capabilities"]["drop"], ["ALL"])
                        self.assertNotIn("privileged", security)
                        added = security["capabilities"].get("add", [])
                        if added:
                            gained.add((name(workload), tuple(sorted(added))))
        self.assertEqual(gained, REALTIME)

    def test_the_namespace_lets_in_nothing_less_restricted_than_its_pods(self):
        for overlay in manifests.OVERLAYS:
            [namespace] = of_kind(overlay, "Namespace")
            adds = any(map(realtime, workloads(overlay)))
            self.assertEqual(
                namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
                "privileged" if adds else "restricted",
            )

    def test_every_container_says_what_it_needs_and_how_much_memory_it_may_take(self):
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for c in containers(workload):
                    with self.subTest(title(overlay, workload), container=c["name"]):
                        self.assertLessEqual({"cpu", "memory"}, set(c["resources"]["requests"]))
                        self.assertIn("memory", c["resources"]["limits"])

    def test_keys_are_not_for_everybody_in_the_pod(self):
        for overlay in manifests.OVERLAYS:
            for workload in workloads(overlay):
                for volume in pod(workload).get("volumes", []):
                    if "secret" in volume:
                        with self.subTest(title(overlay, workload)):
                            self.assertEqual(volume["secret"]["defaultMode"], 0o440)


if __name__ == "__main__":
    unittest.main()
