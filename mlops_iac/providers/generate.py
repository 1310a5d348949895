"""Writes ``data/*.json``: ``python -m mlops_iac.providers.generate [--check]``.

Names, shapes, required and secret properties come from the SDKs' own source (``sdk``). Whether a change
replaces a resource is not in a Python SDK, so that is merged from four sources, later ones win:

1. what a property's documentation says ("changing this forces ...");
2. ``createOnlyProperties`` of CloudFormation's schemas (``cloudformation``);
3. two rules: a changed ``region`` always replaces (AWS provider 6 and later), and so does a changed
   ``name`` or name prefix;
4. ``corrections.csv``, where each row names its source: the places where 1 to 3 differ from the schemas in
   the provider's own source text, of the version that the rows name. Measured against those schemas, 1 to 3
   alone find 44 % of the replacing inputs, and 88 % of the inputs that they call replacing are.

For Kubernetes the rows hold the list of fields that its Pulumi provider uses; ConfigMap and Secret data
replace unless ``enableConfigMapMutable`` or ``enableSecretMutable`` is set on the provider.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlops_iac.providers import cloudformation, native, sdk
from mlops_iac.providers.facts import DATA, Replaces

CORRECTIONS = Path(__file__).parent / "corrections.csv"

# fmt: off
AWS_MODULES = (
    "accessanalyzer", "acm", "amp", "apigateway", "apigatewayv2", "appautoscaling", "athena",
    "autoscaling", "backup", "batch", "budgets", "cfg", "chatbot", "cloudtrail", "cloudwatch",
    "codebuild", "cognito", "costexplorer", "dynamodb", "ebs", "ec2", "ecr", "ecs", "efs", "eks",
    "elasticache", "fsx", "glue", "grafana", "guardduty", "iam", "kinesis", "kms", "lakeformation",
    "lambda", "lb", "msk", "mwaa", "opensearch", "pipes", "ram", "rds", "route53", "s3", "s3tables",
    "sagemaker", "scheduler", "secretsmanager", "securityhub", "sfn", "sns", "sqs", "ssm", "vpc", "wafv2",
)
"""The services that are covered, by the SDK's module name."""

KUBERNETES_KINDS = {
    "admissionregistration/v1": (
        "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ),
    "apps/v1": ("DaemonSet", "Deployment", "StatefulSet"),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("CronJob", "Job"),
    "core/v1": (
        "ConfigMap", "LimitRange", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "Pod",
        "ResourceQuota", "Secret", "Service", "ServiceAccount",
    ),
    "helm/v3": ("Release",),
    "helm/v4": ("Chart",),
    "networking/v1": ("Ingress", "IngressClass", "NetworkPolicy"),
    "node/v1": ("RuntimeClass",),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "scheduling/v1": ("PriorityClass",),
    "storage/v1": ("CSIDriver", "StorageClass"),
    "yaml/v2": ("ConfigFile", "ConfigGroup"),
}
"""The built-in kinds whose shape is checked, by the SDK's module; other kinds are free-form."""
# fmt: on

_FOLDERS = {"lambda": "lambda_"}
_CUSTOM_RESOURCE = "kubernetes:apiextensions.k8s.io:CustomResource"
_MAX_DEPTH = 9
"""Objects below this depth become free-form: WAF statements nest far deeper than anybody writes them."""

_FORCES = re.compile(
    r"(changing|changes? to|modifying) [^.]{0,60}(forces?|requires)[^.]{0,25}(new|replac|recreat)"
    r"|\bforces? (a )?(new (resource|cluster)|replacement|resource recreation)",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(if|when|unless|enabling|disabling|from|for|empty)\b", re.IGNORECASE)
_NAMES = ("name", "namePrefix")
_NAME_SUFFIX = re.compile(r"(Name|Identifier)$")


@dataclass
class _Tree:
    """A property with everything below it, before equal objects are shared."""

    shape: str
    required: bool = False
    secret: bool = False
    replaces: Replaces = Replaces.NEVER
    objects: dict[str, dict[str, _Tree]] = field(default_factory=dict)

    def children(self) -> Iterable[tuple[str, _Tree]]:
        for properties in self.objects.values():
            yield from properties.items()

    def spec(self, table: _Objects) -> str:
        flags = "!" if self.required else ""
        flags += {Replaces.ALWAYS: "^", Replaces.MAYBE: "?", Replaces.NEVER: ""}[self.replaces]
        flags += "*" if self.secret else ""
        shape = self.shape
        for name, properties in self.objects.items():
            shape = re.sub(rf"#{re.escape(name)}(?![\w./])", f"#{table.add(name, properties)}", shape)
        return flags + shape


@dataclass(frozen=True)
class _Type:
    inputs: dict[str, _Tree]
    resource: sdk.Resource
    name: str | None
    open: bool = False


class _Objects:
    """The objects of one file; equal ones are kept once, under the first name they came with."""

    def __init__(self) -> None:
        self.specs: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, properties: Mapping[str, _Tree]) -> str:
        specs = _line(properties, self)
        if specs not in self._names:
            short = name.rpartition(".")[2]
            unique, number = short, 1
            while unique in self.specs:
                number += 1
                unique = f"{short}{number}"
            self._names[specs] = unique
            self.specs[unique] = specs
        return self._names[specs]


@dataclass(frozen=True)
class Correction:
    """One row of ``corrections.csv``: what the other sources say wrongly, or do not say, of one type.

    Lists of property paths are separated by spaces; list indexes are left out of a path. ``*`` stands for
    all inputs but ``tags`` and ``timeouts``.
    """

    token: str
    always: tuple[str, ...]
    maybe: tuple[str, ...]
    never: tuple[str, ...]
    secret: tuple[str, ...]
    name: str


def read_corrections() -> dict[str, list[Correction]]:
    """The rows by type token."""
    rows: dict[str, list[Correction]] = {}
    with CORRECTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lists = {key: tuple(row[key].split()) for key in ("always", "maybe", "never", "secret")}
            rows.setdefault(row["token"], []).append(Correction(token=row["token"], name=row["name"], **lists))
    return rows


def generated() -> dict[str, str]:
    """All data files by name. Raises ``RuntimeError`` without the SDKs and cfn-lint."""
    aws, kubernetes = sdk.installed("pulumi_aws"), sdk.installed("pulumi_kubernetes")
    schemas = cloudformation.installed()
    if aws is None or kubernetes is None or schemas is None:
        raise RuntimeError("needs pulumi-aws, pulumi-kubernetes and cfn-lint: pip install cfn-lint 'mlops-iac[pulumi]'")
    corrections = read_corrections()
    files = {}
    for module in AWS_MODULES:
        types = {}
        for resource in aws.resources(_FOLDERS.get(module, module)):
            if not resource.deprecated:
                inputs = base_inputs(aws, resource, schemas)
                rows = corrections.pop(resource.token, [])
                for row in rows:
                    correct(inputs, row)
                name = next((row.name for row in rows if row.name), None)
                name = name or _physical_name(inputs, resource, schemas)
                types[resource.token] = _Type(inputs, resource, name)
        files[f"aws-{module}.json"] = _file(types)
    files["kubernetes.json"] = _kubernetes(kubernetes, corrections)
    files["providers.json"] = _providers(aws, kubernetes)
    files.update(native.data_files(schemas))
    if corrections:
        raise RuntimeError(f"{CORRECTIONS.name} names unknown types: {', '.join(sorted(corrections))}")
    return files


def base_inputs(package: sdk.Sdk, resource: sdk.Resource, schemas: cloudformation.Schemas) -> dict[str, _Tree]:
    """A type's inputs with what the documentation, CloudFormation and the rules say of replacement."""
    inputs = {name: _tree(package, declared) for name, declared in resource.inputs.items()}
    for name, tree in inputs.items():
        if name == "region" or name in _NAMES:
            tree.replaces = Replaces.ALWAYS
    schema = schemas.for_token(resource.token)
    if schema is not None:
        kind = resource.token.rpartition(":")[2]
        for path in cloudformation.conditional_create_only(schema):
            _mark_foreign(inputs, path, kind, Replaces.MAYBE)
        for path in cloudformation.create_only(schema):
            _mark_foreign(inputs, path, kind, Replaces.ALWAYS)
    return inputs


def correct(inputs: dict[str, _Tree], row: Correction) -> None:
    """Apply one row. Raises ``KeyError`` for a path that the type does not have."""
    marks = ((row.never, Replaces.NEVER), (row.maybe, Replaces.MAYBE), (row.always, Replaces.ALWAYS))
    if "*" in row.always:
        for name, tree in inputs.items():
            tree.replaces = Replaces.NEVER if name in ("tags", "timeouts") else Replaces.ALWAYS
    for paths, verdict in marks:
        for path in paths:
            if path != "*":
                for tree in _find(inputs, path):
                    tree.replaces = verdict
    for path in row.secret:
        for tree in _find(inputs, path):
            tree.secret = True


def _find(inputs: Mapping[str, _Tree], path: str) -> list[_Tree]:
    found = [inputs]
    trees: list[_Tree] = []
    for part in path.split("."):
        trees = [group[part] for group in found if part in group]
        if not trees:
            raise KeyError(f"no property {path}")
        found = [dict(tree.children()) for tree in trees]
    return trees


def _mark_foreign(inputs: Mapping[str, _Tree], path: tuple[str, ...], kind: str, verdict: Replaces) -> None:
    group: Mapping[str, _Tree] = inputs
    for position, part in enumerate(path):
        name = cloudformation.same_name(part, kind, group)
        if name is None:
            return
        if position == len(path) - 1:
            group[name].replaces = verdict
        group = dict(group[name].children())


def _tree(package: sdk.Sdk, declared: sdk.Property, depth: int = 0) -> _Tree:
    replaces = Replaces.NEVER
    sentence = _FORCES.search(declared.text)
    if sentence is not None:
        start = declared.text.rfind(".", 0, sentence.start()) + 1
        end = declared.text.find(".", sentence.end())
        condition = _CONDITION.search(declared.text[start : end if end > 0 else None])
        replaces = Replaces.MAYBE if condition else Replaces.ALWAYS
    tree = _Tree(declared.shape, declared.required, declared.secret, replaces)
    for name in re.findall(r"#([\w./]+)", declared.shape):
        properties = package.object(name) if depth < _MAX_DEPTH else None
        if properties:
            tree.objects[name] = {key: _tree(package, member, depth + 1) for key, member in properties.items()}
        else:
            tree.shape = re.sub(rf"#{re.escape(name)}(?![\w./])", "#", tree.shape)
    return tree


def _physical_name(inputs: Mapping[str, _Tree], resource: sdk.Resource, schemas: cloudformation.Schemas) -> str | None:
    """The path of the input that names the resource; with ``+`` when the provider makes one up.

    The provider makes up a missing ``name`` for every type that has such an input, see ``SetAutonaming`` in
    https://github.com/pulumi/pulumi-aws/blob/master/provider/resources.go.
    """
    if "name" in inputs and inputs["name"].shape == "s":
        return "name" if inputs["name"].required else "name+"
    kind = resource.token.rpartition(":")[2]
    schema = schemas.for_token(resource.token)
    foreign = cloudformation.primary_name(schema) if schema is not None else None
    guesses = [cloudformation.same_name(foreign, kind, inputs)] if foreign is not None else []
    guesses += [name for name in inputs if kind.lower().endswith(_NAME_SUFFIX.sub("", name).lower())]
    for name in guesses:
        if name and _NAME_SUFFIX.search(name) and inputs[name].replaces is Replaces.ALWAYS:
            return name if inputs[name].required else f"{name}+"
    return None


def _kubernetes(package: sdk.Sdk, corrections: dict[str, list[Correction]]) -> str:
    types: dict[str, _Type] = {}
    for module, kinds in KUBERNETES_KINDS.items():
        for resource in package.resources(module):
            if resource.token.rpartition(":")[2] in kinds:
                inputs = {name: _tree(package, _plain(declared)) for name, declared in resource.inputs.items()}
                named = inputs["metadata"].objects if "metadata" in inputs else {}
                if named:
                    _mark_metadata(inputs)
                for row in corrections.pop(resource.token, ()):
                    correct(inputs, row)
                own = {name: text for name, text in resource.defaults.items() if name not in ("apiVersion", "kind")}
                resource = replace(resource, defaults=own)
                types[resource.token] = _Type(inputs, resource, "metadata.name+" if named else None)
    custom = {
        "apiVersion": _Tree("s", required=True),
        "kind": _Tree("s", required=True),
        "metadata": _tree(package, sdk.Property("#meta/v1.ObjectMeta")),
    }
    _mark_metadata(custom)
    empty = sdk.Resource(_CUSTOM_RESOURCE, "apiextensions", {}, {})
    types[_CUSTOM_RESOURCE] = _Type(custom, empty, "metadata.name+", open=True)
    return _file(types)


def _mark_metadata(inputs: Mapping[str, _Tree]) -> None:
    """An object cannot be renamed or moved, whatever its kind."""
    for path in ("metadata.name", "metadata.namespace"):
        for tree in _find(inputs, path):
            tree.replaces = Replaces.ALWAYS


def _plain(declared: sdk.Property) -> sdk.Property:
    """Without its text: Kubernetes' own documentation is no source for what Pulumi replaces."""
    return replace(declared, text="")


def _providers(aws: sdk.Sdk, kubernetes: sdk.Sdk) -> str:
    """The two provider resources themselves."""
    types = {}
    for package in (aws, kubernetes):
        for resource in package.resources("."):
            if resource.token.startswith("pulumi:providers:"):
                inputs = {name: _tree(package, _plain(p)) for name, p in resource.inputs.items()}
                resource = replace(resource, defaults={})
                types[resource.token] = _Type(inputs, resource, None)
                if package is aws:
                    # The Cloud Control provider is configured like this one as far as components configure it.
                    types["pulumi:providers:aws-native"] = _Type(
                        {
                            **{name: inputs[name] for name in ("allowedAccountIds", "defaultTags", "region")},
                            "assumeRole": _Tree("#ProviderAssumeRole", objects=inputs["assumeRoles"].objects),
                        },
                        replace(resource, outputs={}),
                        None,
                    )
    return _file(types)


def _file(types: Mapping[str, _Type]) -> str:
    table = _Objects()
    lines = []
    for token, declared in sorted(types.items()):
        _lift(declared.inputs.values())
        row: dict[str, object] = {"in": _line(declared.inputs, table)}
        if declared.name:
            row["name"] = declared.name
        if declared.open:
            row["open"] = True
        defaults = {name: text for name, text in declared.resource.defaults.items() if name in declared.inputs}
        if defaults:
            row["default"] = dict(sorted(defaults.items()))
        outputs = {
            name: _Tree(re.sub(r"#[\w./]+", "#", output.shape), secret=output.secret)
            for name, output in declared.resource.outputs.items()
        }
        if outputs:
            row["out"] = _line(outputs, table)
        lines.append(f"{json.dumps(token)}: {json.dumps(row, sort_keys=True)}")
    objects = [f"{json.dumps(name)}: {json.dumps(specs)}" for name, specs in sorted(table.specs.items())]
    return "{\n" + _section("objects", objects) + ",\n" + _section("types", lines) + "\n}\n"


def _lift(trees: Iterable[_Tree]) -> None:
    """A block whose members all replace replaces too, so that adding or removing one is seen."""
    for tree in trees:
        members = [member for _, member in tree.children()]
        _lift(members)
        if members and all(member.replaces is Replaces.ALWAYS for member in members):
            tree.replaces = Replaces.ALWAYS


def _section(name: str, lines: list[str]) -> str:
    return f'"{name}": {{\n' + ",\n".join(lines) + "\n}"


def _line(properties: Mapping[str, _Tree], table: _Objects) -> str:
    return " ".join(f"{name}:{tree.spec(table)}" for name, tree in sorted(properties.items()))


def main(argv: list[str] | None = None) -> int:
    """Write the data files, or with ``--check`` say which differ (exit code 1)."""
    parser = argparse.ArgumentParser(prog="python -m mlops_iac.providers.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check: bool = parser.parse_args(argv).check
    files = generated()
    present = {path.name: path.read_text(encoding="utf-8") for path in DATA.glob("*.json")}
    stale = sorted(name for name in {*files, *present} if files.get(name) != present.get(name))
    if check:
        for name in stale:
            sys.stderr.write(f"{name} is out of date; run: python -m mlops_iac.providers.generate\n")
        return 1 if stale else 0
    for name in stale:
        if name in files:
            (DATA / name).write_text(files[name], encoding="utf-8")
        else:
            (DATA / name).unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
