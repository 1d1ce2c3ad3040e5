"""Every object against the published schema of its kind, with no field that the schema does not know."""

import copy
import unittest

import jsonschema
import kubernetes_validate
from cloudcoil.models.cert_manager import v1 as cert_manager
from cloudcoil.models.prometheus_operator import v1 as prometheus_operator

import manifests

VERSION = "1.37"
OPERATORS = {
    "monitoring.coreos.com/v1": prometheus_operator,
    "cert-manager.io/v1": cert_manager,
}


def closed(schema):
    """The schema with every object that lists its fields closed to others."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        # Go writes flags within an expression, Python only before one.
        if "(?i)" in (pattern := schema.get("pattern") or ""):
            schema["pattern"] = "(?i)" + pattern.replace("(?i)", "")
    elif isinstance(schema, list):
        schema = [closed(value) for value in schema]
    return schema


def validate(o):
    if o["apiVersion"] in OPERATORS:
        model = getattr(OPERATORS[o["apiVersion"]], o["kind"])
        jsonschema.validate(o, closed(model.model_json_schema(by_alias=True)))
    else:
        kubernetes_validate.validate(o, VERSION, strict=True)


class Schemas(unittest.TestCase):
    def test_every_object_is_what_its_kind_allows(self):
        for overlay in manifests.OVERLAYS:
            for o in manifests.render(overlay):
                with self.subTest(manifests.title(overlay, o)):
                    validate(o)

    def test_a_field_that_no_schema_knows_is_found(self):
        kinds = {o["kind"]: o for o in manifests.render(manifests.FULLEST)}
        for kind in ("StatefulSet", "ServiceMonitor", "Certificate"):
            wrong = copy.deepcopy(kinds[kind])
            wrong["spec"]["replicaz"] = 2
            with self.subTest(kind), self.assertRaisesRegex(Exception, "replicaz"):
                validate(wrong)

    def test_a_field_of_the_wrong_type_is_found(self):
        kinds = {o["kind"]: o for o in manifests.render(manifests.FULLEST)}
        wrong = copy.deepcopy(kinds["StatefulSet"])
        wrong["spec"]["replicas"] = "two"
        with self.assertRaisesRegex(Exception, "two"):
            validate(wrong)
        wrong = copy.deepcopy(kinds["ServiceMonitor"])
        wrong["spec"]["endpoints"][0]["tlsConfig"]["serverName"] = ["replay"]
        with self.assertRaisesRegex(Exception, "replay"):
            validate(wrong)

    def test_no_object_is_there_twice(self):
        for overlay in manifests.OVERLAYS:
            keys = [(o["kind"], manifests.name(o)) for o in manifests.render(overlay)]
            self.assertEqual(len(keys), len(set(keys)), overlay)


if __name__ == "__main__":
    unittest.main()
