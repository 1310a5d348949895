"""Reads outputs of other tools' deployments from files, so that ``${imports.NAME.OUTPUT}`` can refer to them.

A file is one that somebody exported into the system's folder; nothing is asked over a network. A value that its tool
calls secret never becomes text here: a mark stands for it (``graph.opaque``).

Sources: https://developer.hashicorp.com/terraform/internals/json-format and
https://github.com/hashicorp/terraform/blob/main/internal/states/statefile/version4.go for the state file;
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Output.html;
https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.sources import read_below
from mlops_iac.compose.suggest import listing
from mlops_iac.compose.tree import Node, Place, Source
from mlops_iac.diagnostics import ConfigPath
from mlops_iac.graph.opaque import mark
from mlops_iac.graph.values import Secret
from mlops_iac.graph.values import Value as GraphValue

KEY: Final = "imports"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi marks a value that is none of JSON's; a secret has this one for its value."""
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True, slots=True)
class Output:
    """One output; ``hidden`` says why its value is not in the file, where it is not."""

    value: Any
    secret: bool = False
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What the files hold: ``nodes`` by the path that a reference goes through, and what must not become text.

    ``hidden`` are paths whose value cannot be had, with the reason; ``marks`` what the marks in ``nodes`` stand for.
    """

    nodes: Mapping[ConfigPath, Node] = field(default_factory=dict)
    hidden: Mapping[ConfigPath, str] = field(default_factory=dict)
    marks: Mapping[str, GraphValue] = field(default_factory=dict, repr=False)


class _UnreadableError(Exception):
    """The file is not what it is said to be; the message completes "FILE ..."."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def read_imports(root: Node, folders: tuple[Path, Path | None], limits: Limits, findings: Findings) -> Imported:
    """The outputs of every import that the configuration declares; what cannot be read is reported and left out.

    A file that is not in the first folder is looked for in the second.
    """
    assert isinstance(root.value, dict)
    section = root.value.get(KEY)
    if section is None or not isinstance(section.value, dict):
        return Imported()
    nodes: dict[ConfigPath, Node] = {}
    hidden: dict[ConfigPath, str] = {}
    marks: dict[str, GraphValue] = {}
    for name, declared in section.value.items():
        path = (KEY, name)
        found = _outputs(declared, path, folders, limits, findings)
        if found is None:
            continue
        place = Place(Source(_file(declared)[1].value, ""), 1, 1)  # type: ignore[arg-type]
        values: dict[str, Node] = {}
        for key, output in found.items():
            if output.hidden:
                hidden[(*path, key)] = output.hidden
            values[key] = _node(output.value, (*path, key), place, marks if output.secret else None)
        nodes[path] = Node(values, declared.key, declared.place)
    return Imported(nodes, hidden, marks)


def _outputs(
    declared: Node, path: ConfigPath, folders: tuple[Path, Path | None], limits: Limits, findings: Findings
) -> Mapping[str, Output] | None:
    tool, file = _file(declared)
    if tool not in _READERS or not isinstance(file.value, str) or file.is_interpolation:
        findings.error(
            codes.BAD_IMPORT,
            f"`{KEY}.{path[-1]}` names no file",
            f"Write one of {listing(_READERS)} with the path of a file: {{terraform: imports/platform.json}}.",
            declared.place,
            path,
        )
        return None
    asked = (*path, tool)
    first, second = folders
    folder = second if second is not None and not os.path.lexists(first / file.value) else first
    content = read_below(folder, folder / file.value, file.value, limits.import_bytes, file.place, findings)
    if content is None:
        return None
    try:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _UnreadableError("is not JSON", _EXPORT[tool]) from error
        if not isinstance(document, dict):
            raise _UnreadableError("holds no object", _EXPORT[tool])
        return dict(sorted(_READERS[tool](document, _stack(declared)).items()))
    except _UnreadableError as error:
        findings.error(codes.BAD_IMPORT, f"{file.value} {error}", error.hint, file.place, asked)
        return None


def _file(declared: Node) -> tuple[str, Node]:
    """The tool that the import is of, and the node with the file's name; no tool where there is not exactly one."""
    given = declared.value if isinstance(declared.value, dict) else {}
    found = [(tool, given[tool]) for tool in _READERS if tool in given and given[tool].value is not None]
    return found[0] if len(found) == 1 else ("", declared)


def _stack(declared: Node) -> str | None:
    chosen = declared.value.get("stack") if isinstance(declared.value, dict) else None
    return str(chosen.value) if chosen is not None and chosen.value is not None else None


def _terraform(document: Mapping[str, Any], stack: str | None) -> dict[str, Output]:
    if "encrypted_data" in document:
        raise _UnreadableError("is an encrypted state", "Export the outputs: `tofu output -json > FILE`.")
    outputs: Any = document
    if "terraform_version" in document or isinstance(document.get("version"), int):
        if document.get("version") != 4:
            raise _UnreadableError(
                f"is a Terraform state of version {document.get('version')!r}, not 4",
                "Export the outputs: `terraform output -json > FILE`.",
            )
        outputs = document.get("outputs", {})
    if not isinstance(outputs, dict) or not all(isinstance(o, dict) and "value" in o for o in outputs.values()):
        raise _UnreadableError("is neither a Terraform state nor its outputs", _EXPORT["terraform"])
    return {name: Output(o["value"], o.get("sensitive") is True) for name, o in outputs.items()}


def _cloudformation(document: Mapping[str, Any], stack: str | None) -> dict[str, Output]:
    stacks = document.get("Stacks")
    if not isinstance(stacks, list):
        raise _UnreadableError("holds no `Stacks`", _EXPORT["cloudformation"])
    named = {str(each.get("StackName")): each for each in stacks if isinstance(each, dict)}
    if stack is None and len(named) != 1:
        raise _UnreadableError(f"holds {len(named)} stacks", f"Add `stack:`; it holds {listing(named)}.")
    chosen = named.get(stack) if stack is not None else next(iter(named.values()))
    if chosen is None:
        raise _UnreadableError(f"holds no stack `{stack}`", f"It holds {listing(named)}.")
    outputs: dict[str, Output] = {}
    for item in chosen.get("Outputs") or []:
        if not isinstance(item, dict) or not isinstance(item.get("OutputKey"), str) or "OutputValue" not in item:
            raise _UnreadableError("holds an output without `OutputKey` or `OutputValue`", _EXPORT["cloudformation"])
        outputs[item["OutputKey"]] = Output(item["OutputValue"])
    return outputs


def _pulumi(document: Mapping[str, Any], stack: str | None) -> dict[str, Output]:
    deployment = document.get("deployment")
    if not isinstance(deployment, dict):
        return {name: _pulumi_output(value) for name, value in document.items()}
    resources = deployment.get("resources") or []
    root = next((r for r in resources if isinstance(r, dict) and r.get("type") == "pulumi:pulumi:Stack"), {})
    return {name: _pulumi_output(value) for name, value in (root.get("outputs") or {}).items()}


def _pulumi_output(value: Any) -> Output:
    if value == "[secret]" or _holds(value, "ciphertext"):
        return Output(None, hidden="it is a secret, and the file does not hold it: export with `--show-secrets`")
    if _holds(value, "plaintext"):
        return Output(_opened(value), secret=True)
    return Output(value)


def _holds(value: Any, member: str) -> bool:
    """Whether a Pulumi value has a secret in it whose text is in ``member``."""
    if isinstance(value, dict):
        return (value.get(_SIGNATURE) == _SECRET and member in value) or any(_holds(v, member) for v in value.values())
    return isinstance(value, list) and any(_holds(item, member) for item in value)


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _opened(json.loads(value["plaintext"]))
        return {key: _opened(item) for key, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], str | None], dict[str, Output]]]] = {
    "terraform": _terraform,
    "cloudformation": _cloudformation,
    "pulumi": _pulumi,
}
_EXPORT: Final = {
    "terraform": "Export the outputs: `terraform output -json > FILE`.",
    "cloudformation": "Export them: `aws cloudformation describe-stacks --stack-name NAME > FILE`.",
    "pulumi": "Export the outputs: `pulumi stack output --json > FILE`.",
}


def _node(value: Any, path: ConfigPath, place: Place, marks: dict[str, GraphValue] | None) -> Node:
    """``value`` as configuration that is taken as it is; with ``marks`` every scalar in it is secret."""
    if isinstance(value, dict):
        found = {str(key): _node(item, (*path, str(key)), place, marks) for key, item in value.items()}
        return Node(found, place, place)
    if isinstance(value, list):
        return Node([_node(item, (*path, index), place, marks) for index, item in enumerate(value)], place, place)
    if marks is not None and value is not None:
        text = mark(path)
        marks[text] = Secret(value)
        value = text
    return Node(value, place, place, literal=True)
