"""moto's slow paths, made quick.

moto looks for each member of an answer under some ten names, and works the
names out anew for each object; half of a DescribeInstances goes into that,
and most of the other half into writing the XML through a SAX generator. It
also lists all methods of a class with hundreds of them at every call.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import moto.core.responses
from moto.core.serialize import AttributePickerContext, EC2Serializer, XFormedAttributePicker
from moto.core.utils import MISSING, get_value

Plan = tuple[tuple[str, ...], str | None]  # names to try, and a transformer's key


class QuickPicker(XFormedAttributePicker):
    """Picks what moto's picks, and remembers where it looked.

    The names depend on the place in the answer and on the object's class.
    """

    _plans: ClassVar[dict[tuple[Any, ...], Plan]] = {}

    def __call__(self, context: AttributePickerContext) -> Any:
        transformers = self.response_transformers
        where = (context.key_path, context.key, type(context.obj), len(transformers))
        plan = self._plans.get(where)
        if plan is None:
            plan = self._plans[where] = self._plan(context)
        names, transformer = plan
        value = None
        for name in names:
            found = get_value(context.obj, name, MISSING)
            if found is not MISSING:
                value = found
                break
        return transformers[transformer](value) if transformer else value

    def _plan(self, context: AttributePickerContext) -> Plan:
        names = tuple(dict.fromkeys(self.get_possible_keys(context)))
        path = f"{context.key_path}.{context.key}"
        fitting = (key for key in self.response_transformers if path.endswith(key))
        return names, next(fitting, None)


def write_xml(_: Any, body: dict[str, Any]) -> str:
    """The XML of moto's nested dictionaries, with "@name" for an attribute."""
    parts = ['<?xml version="1.0" encoding="utf-8"?>\n']
    for name, value in body.items():
        _element(parts, name, value)
    return "".join(parts)


def _element(parts: list[str], name: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _element(parts, name, item)
    elif isinstance(value, dict):
        attributes = [f' {k[1:]}="{escape(v)}"' for k, v in value.items() if k[0] == "@"]
        parts.append(f"<{name}{''.join(attributes)}>")
        for key, item in value.items():
            if key[0] != "@":
                _element(parts, key, item)
        parts.append(f"</{name}>")
    elif value is None or value == "":
        parts.append(f"<{name}/>")
    else:
        parts.append(f"<{name}>{escape(str(value))}</{name}>")


def install() -> None:
    responses = moto.core.responses
    responses.XFormedAttributePicker = QuickPicker  # type: ignore[misc]
    EC2Serializer._serialize_body = write_xml  # type: ignore
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
