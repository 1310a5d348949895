"""Derives facts about Cloud Control types (pulumi-aws-native) from the CloudFormation schemas that cfn-lint ships.

The provider is generated from those schemas, so names, shapes, required and create-only properties follow by rule:
https://github.com/pulumi/pulumi-aws-native/blob/master/docs/development.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.providers.cloudformation import Schemas, create_only

TYPES: Final = {
    "aws-native:sagemaker:ModelBiasJobDefinition": "AWS::SageMaker::ModelBiasJobDefinition",
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": "AWS::SageMaker::ModelExplainabilityJobDefinition",
    "aws-native:sagemaker:ModelQualityJobDefinition": "AWS::SageMaker::ModelQualityJobDefinition",
}
"""The types that pulumi-aws lacks and components use."""

_SCALARS: Final = {"string": "s", "integer": "i", "number": "n", "boolean": "b"}


def data_files(schemas: Schemas) -> dict[str, str]:
    """File name and text of the data of every Cloud Control service in ``TYPES``."""
    files: dict[str, str] = {}
    for service in sorted({token.split(":")[1] for token in TYPES}):
        objects: dict[str, str] = {}
        types = {
            token: _row(_schema(schemas, name), token.rpartition(":")[2], objects)
            for token, name in sorted(TYPES.items())
            if token.split(":")[1] == service
        }
        rows = [f"{json.dumps(token)}: {json.dumps(row, sort_keys=True)}" for token, row in types.items()]
        shapes = [f"{json.dumps(name)}: {json.dumps(spec)}" for name, spec in sorted(objects.items())]
        body = ",\n".join((f'"objects": {{\n{_rows(shapes)}\n}}', f'"types": {{\n{_rows(rows)}\n}}'))
        files[f"aws-native-{service}.json"] = f"{{\n{body}\n}}\n"
    return files


def property_name(name: str) -> str:
    """The provider's name of a CloudFormation property: ``VolumeSizeInGB`` becomes ``volumeSizeInGb``."""
    words = re.sub(r"[A-Z]{2,}(?![a-z])", lambda run: run[0].capitalize(), name)
    return words[0].lower() + words[1:]


def _rows(rows: list[str]) -> str:
    return ",\n".join(rows)


def _schema(schemas: Schemas, name: str) -> dict[str, Any]:
    digest = schemas.by_name[name.lower()]
    schema: dict[str, Any] = json.loads((schemas.folder / "resources" / f"{digest}.json").read_text(encoding="utf-8"))
    return schema


def _row(schema: Mapping[str, Any], kind: str, objects: dict[str, str]) -> dict[str, Any]:
    fixed = {path[0] for path in create_only(schema) if len(path) == 1}
    given = {pointer.rpartition("/")[2] for pointer in schema.get("readOnlyProperties", ())}
    inputs, outputs = [], []
    for name, declared in sorted(schema["properties"].items()):
        spec = _spec(declared, schema, kind, objects)
        if name in given:
            outputs.append(f"{property_name(name)}:{spec}")
        else:
            marks = ("!" if name in schema.get("required", ()) else "") + ("^" if name in fixed else "")
            inputs.append(f"{property_name(name)}:{marks}{spec}")
    return {"in": " ".join(inputs), "out": " ".join(outputs)}


def _spec(declared: Mapping[str, Any], schema: Mapping[str, Any], kind: str, objects: dict[str, str]) -> str:
    if "$ref" in declared:
        name = declared["$ref"].rpartition("/")[2]
        return _spec({**schema["definitions"][name], "x-name": name}, schema, kind, objects)
    type = declared.get("type")
    if type == "array":
        return "[" + _spec(declared.get("items", {}), schema, kind, objects)
    if type == "object" and "properties" in declared:
        required = declared.get("required", ())
        text = " ".join(
            f"{property_name(item)}:{'!' if item in required else ''}{_spec(value, schema, kind, objects)}"
            for item, value in sorted(declared["properties"].items())
        )
        # Equal objects are kept once a file, under the name that was met first.
        same = next((known for known, other in objects.items() if other == text), f"{kind}{declared.get('x-name', '')}")
        objects[same] = text
        return f"#{same}"
    if type == "object":
        return "{s"
    return _SCALARS.get(str(type), "a")
