"""Checks that what an engine did is written as ``schemas/result.schema.json`` documents it."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mlops_iac.engines.events import RunResult
from mlops_iac.render.json import result_json

SCHEMAS = Path(__file__).parents[2] / "schemas"


def check_shape(kind: str, result: RunResult) -> None:
    """Raise ``jsonschema.ValidationError`` for a result of another shape."""
    schema, preview = (json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("result", "preview"))
    registry: Registry = Registry().with_resource("preview.schema.json", Resource.from_contents(preview))
    document = json.loads(json.dumps(result_json(kind, result)))
    Draft202012Validator(schema, registry=registry).validate(document)
