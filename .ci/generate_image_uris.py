"""Writes mlops_iac/components/models/image_uris.json from the image tables of the SageMaker Python SDK.

Run it in an environment that has sagemaker 3 (or sagemaker-core 2), from the repository's root:

    python .ci/generate_image_uris.py            # writes the table
    python .ci/generate_image_uris.py --check    # fails if the table is not what the installed SDK gives

The table has, for each framework, scope, version and kind of processor, the repository with its tag, and the registry
account of each region. Every address in it comes out of the SDK's own ``image_uris.retrieve``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

logging.disable(logging.WARNING)

from sagemaker.core import image_uris  # noqa: E402

TABLE = Path(__file__).parent.parent / "mlops_iac/components/models/image_uris.json"
REGIONS = (
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "us-east-1",
    "us-east-2",
    "us-west-2",
)
OLDEST = {
    "pytorch": (2, 0),
    "tensorflow": (2, 11),
    "huggingface": (4, 26),
    "xgboost": (1, 3),
    "sklearn": (1, 0),
    "clarify": (1, 0),
    "model-monitor": (0,),
}
"""Older images are out of support and left out."""
SCOPES = {"clarify": ("processing",), "model-monitor": ("monitoring",)}
INSTANCES = {"cpu": "ml.m5.xlarge", "gpu": "ml.g5.xlarge", "arm64": "ml.c7g.xlarge"}
"""One instance type for each kind of processor that images are built for; Graviton serves and does not train."""


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    text = render(table())
    if parser.parse_args().check:
        same = TABLE.read_text(encoding="utf-8") == text
        print(
            f"{TABLE.name} {'matches' if same else 'differs from'} sagemaker-core {installed_version('sagemaker-core')}"
        )
        return 0 if same else 1
    TABLE.write_text(text, encoding="utf-8")
    return 0


def table() -> dict:
    """The whole table; registries that several images share are written once."""
    registries: list[dict[str, str]] = []
    images = {
        framework: {
            scope: rows
            for scope in SCOPES.get(framework, ("training", "inference"))
            if (rows := dict(versions(framework, scope, registries)))
        }
        for framework in OLDEST
    }
    return {
        "source": f"sagemaker-core {installed_version('sagemaker-core')}",
        "registries": registries,
        "images": images,
    }


def versions(framework: str, scope: str, registries: list[dict[str, str]]):
    """Each requested version with its images by processor: ``[registry, repository and tag]``."""
    for version in requested(framework, scope):
        found = {}
        for processor, instance_type in INSTANCES.items():
            if processor == "arm64" and version not in graviton_versions(framework, scope):
                continue
            row = image(framework, scope, version, instance_type, registries)
            if row is not None:
                found[processor] = row
        if found:
            yield version, found


def graviton_versions(framework: str, scope: str) -> set[str]:
    """Versions with an image of their own for Graviton; for others the SDK would answer with a different version."""
    config = image_uris.config_for_framework(framework).get("inference_graviton", {}) if scope == "inference" else {}
    return {*config.get("versions", {}), *config.get("version_aliases", {})}


def requested(framework: str, scope: str) -> list[str]:
    """Every version and alias of a version that may be asked for, oldest first."""
    config = image_uris.config_for_framework(framework)
    config = config if "scope" in config else config[scope]
    names = {*config["versions"], *config.get("version_aliases", {})}
    return sorted((name for name in names if number(name) >= OLDEST[framework]), key=lambda name: (number(name), name))


def number(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison."""
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit()) or (0,)


def image(
    framework: str, scope: str, version: str, instance_type: str, registries: list[dict[str, str]]
) -> list | None:
    """Registry number and repository of one image, or None where the SDK has none."""
    uris = {}
    for region in REGIONS:
        try:
            uris[region] = retrieve(framework, scope, version, instance_type, region)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    if not uris:
        return None
    repositories = {uri.partition("/")[2] for uri in uris.values()}
    if len(repositories) != 1:
        raise SystemExit(f"{framework} {version}: the repository differs between regions: {sorted(repositories)}")
    accounts = {}
    for region, uri in uris.items():
        account, _, host = uri.partition("/")[0].partition(".dkr.")
        if host != f"ecr.{region}.amazonaws.com":
            raise SystemExit(f"{framework} {version}: unexpected registry host in {uri}")
        accounts[region] = account
    if accounts not in registries:
        registries.append(accounts)
    return [registries.index(accounts), repositories.pop()]


def retrieve(framework: str, scope: str, version: str, instance_type: str, region: str) -> str:
    """The SDK's answer; a Hugging Face image is the one on the newest PyTorch, on its newest Python."""
    arguments: dict[str, str | None] = {"framework": framework, "region": region, "instance_type": instance_type}
    if framework not in SCOPES:
        arguments |= {"image_scope": scope, "version": version, "py_version": newest_python(framework, scope, version)}
    if framework == "huggingface":
        arguments["base_framework_version"] = newest_pytorch(scope, version)
    return image_uris.retrieve(**arguments)


def newest_python(framework: str, scope: str, version: str) -> str | None:
    """The newest Python that the images of a version have."""
    config = image_uris.config_for_framework(framework)[scope]
    entry = config["versions"][config.get("version_aliases", {}).get(version, version)]
    if framework == "huggingface":
        entry = entry[newest_pytorch(scope, version)]
    pythons = entry.get("py_versions") or [None]
    return max(pythons, key=lambda name: (len(name), name)) if pythons[0] else None


def newest_pytorch(scope: str, version: str) -> str:
    """The newest PyTorch below a version of Hugging Face Transformers."""
    config = image_uris.config_for_framework("huggingface")[scope]
    entry = config["versions"][config["version_aliases"].get(version, version)]
    names = [name for name in entry if name.startswith("pytorch")]
    return max(names, key=lambda name: number(name.removeprefix("pytorch")))


def render(data: dict) -> str:
    """JSON with one line a version."""
    lines = ["{", f'  "source": {json.dumps(data["source"])},', '  "registries": [']
    lines.append(",\n".join(f"    {json.dumps(registry)}" for registry in data["registries"]))
    lines += ["  ],", '  "images": {']
    frameworks = []
    for framework, scopes in data["images"].items():
        blocks = []
        for scope, rows in scopes.items():
            body = ",\n".join(f"        {json.dumps(version)}: {json.dumps(row)}" for version, row in rows.items())
            blocks.append(f"      {json.dumps(scope)}: {{\n{body}\n      }}")
        frameworks.append(f"    {json.dumps(framework)}: {{\n" + ",\n".join(blocks) + "\n    }")
    lines.append(",\n".join(frameworks))
    return "\n".join([*lines, "  }", "}"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
