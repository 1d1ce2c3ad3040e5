"""Grafana's dashboard schema, as the foundation SDK's classes hold it, applied as strictly as they allow.

The SDK reads any JSON: what it does not know it drops, and it checks no type. So a dashboard is read and written again,
and what is gone or changed is an unknown key; and every object that was read is held against the types that its class
declares.
"""

import enum
import json
import types
import typing

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as models

register_default_plugins()


def violations(dashboard, allowed_keys=()):
    """Paths in the JSON that the schema does not know, and attributes of another type than it says."""
    read = models.Dashboard.from_json(dashboard)
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    unknown = [path for path in _differences(dashboard, written) if not path.endswith(tuple(allowed_keys))]
    return unknown + list(_misfits(read, "dashboard"))


def _differences(ours, written, path=""):
    if isinstance(ours, dict) and isinstance(written, dict):
        for key, value in ours.items():
            if key in written:
                yield from _differences(value, written[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(ours, list) and isinstance(written, list) and len(ours) == len(written):
        for index, (mine, other) in enumerate(zip(ours, written)):
            yield from _differences(mine, other, f"{path}[{index}]")
    elif ours != written:
        yield path


def _misfits(value, path):
    """Attributes of an SDK object, and of those in it, that do not fit what its constructor declares."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _misfits(item, f"{path}.{key}")
    elif hasattr(value, "to_json"):
        hints = typing.get_type_hints(type(value).__init__)
        for name, attribute in vars(value).items():
            if name in hints and not _fits(attribute, hints[name]):
                yield f"{path}.{name} is {attribute!r}, not {hints[name]}"
            yield from _misfits(attribute, f"{path}.{name}")


def _fits(value, hint):
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (typing.Any, object):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return isinstance(value, hint) or value in [member.value for member in hint]
    if isinstance(value, dict) and hasattr(hint, "from_json"):
        # The SDK leaves some lists as they were read.
        return json.loads(json.dumps(hint.from_json(value), cls=JSONEncoder)) == value
    return isinstance(value, hint)
