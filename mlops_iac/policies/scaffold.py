"""Writes a policy to start from: a Python file, or a declaration for ``policies.own``; either comes with samples."""

from __future__ import annotations

import re
from typing import Final

from mlops_iac.providers.facts import TypeFacts

NAME_PATTERN: Final = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
"""What may name a policy."""

_PYTHON: Final = '''\
"""{title}.

Source: https://example.com/our-standards
"""

from mlops_iac.policies import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
)

JUDGED = "{type}"


def check(resource: ResourceView, stack: StackView) -> Result:
    """{title}.

    `stack` holds the other resources, and `stack.system` what the configuration says of the system.
    """
    if resource.inputs.has("{path}"):
        return PASS
    return fail("has no {path}", "{path}")


POLICY = Policy(
    id="{name}",
    title="{title}",
    why="Say what goes wrong otherwise.",
    fix="set {path}",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(JUDGED,),
    controls={{}},
    source_url="https://example.com/our-standards",
    check=check,
    samples=(
        passes(JUDGED, {good}),
        fails(JUDGED, {bad}),
    ),
)
'''

_YAML: Final = """\
policies:
  own:
    {name}:
      title: {title}
      why: Say what goes wrong otherwise.
      fix: set {path}
      severity: medium
      enforcement: mandatory
      applies_to: ["{type}"]
      require:
        - {{input: {path}, is_set: true}}
      passes:
        - {yaml_good}
      fails:
        - {{}}
"""


def python_rule(name: str, type: str, facts: TypeFacts) -> str:
    """The text of a Python file with one policy, which asks that something is set; its samples pass."""
    return _PYTHON.format(**_words(name, type, facts))


def yaml_rule(name: str, type: str, facts: TypeFacts) -> str:
    """The same as a declaration in system.yaml."""
    return _YAML.format(**_words(name, type, facts))


def _words(name: str, type: str, facts: TypeFacts) -> dict[str, str]:
    path = _path(facts)
    data: object = "something"
    inside = "something"
    for part in reversed(path.split(".")):
        data = {part: data}
        inside = f"{{{part}: {inside}}}"
    title = f"{type.rpartition(':')[2]} has {path}"
    good, bad = str(data).replace("'", '"'), "{}"
    return {"name": name, "type": type, "path": path, "title": title, "good": good, "bad": bad, "yaml_good": inside}


def _path(facts: TypeFacts) -> str:
    """An input that a rule may well ask for: a tag or label, else the description, else any."""
    if facts.taggable:
        return "tags.team"
    if "metadata" in facts.inputs:
        return "metadata.labels.team"
    return "description" if "description" in facts.inputs else min(facts.inputs)
