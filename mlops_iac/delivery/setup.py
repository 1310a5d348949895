"""What a person sets once before a CI system can deliver: what its files cannot do for themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from mlops_iac.delivery.project import Project, backend, secrets_provider
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Command, Expression, line, quote
from mlops_iac.graph.naming import STACKS
from mlops_iac.graph.nodes import LAYERS


def setup_text(project: Project, provider: Provider) -> str:
    """What has to be set once, by a person: in each account, then in the CI system; 80 columns wide."""
    lines = [f"Once in each account, before {provider.label} can do anything:", *_in_accounts(project, provider)]
    lines += ["", f"Once in {provider.label}:", *map(_item, provider.setup(project))]
    return "".join(f"{line}\n" for line in lines)


def _in_accounts(project: Project, provider: Provider) -> Iterator[str]:
    """What a person does once in each account, before the CI system can do anything."""
    if provider.identity is None or not project.deploy:
        yield _item("nothing: changes are previewed without an account")
        return
    kept = {(target.account, target.state_bucket, target.state_key): target for target in project.targets}
    for account, bucket, key in kept:
        yield _item(
            f"In account {account}: make the bucket {bucket}, versioned, encrypted and not public, and a KMS key with "
            f"the alias alias/{key}"
        )
    yield _item("With rights of your own, make the stacks and apply them:")
    folder = f"{project.folder}/{STACKS}"
    layer = Expression(f'{quote(folder)}/"$layer"')
    for target in project.targets:
        init = ("pulumi", "-C", layer, "stack", "init", target.name, "--secrets-provider", secrets_provider(target))
        up = ("mlops-iac", "up", "-C", project.folder, f"env={target.name}", "--engine", "pulumi")
        yield f"    export PULUMI_BACKEND_URL={quote(backend(target))}"
        yield f"    for layer in {' '.join(LAYERS)}; do"
        yield f"      {line(Command(init))}"
        yield "    done"
        yield f"    {line(Command(up))}"
    yield _item(f"Commit {folder}/*/Pulumi.*.yaml: they name the key now, and hold the data key that it seals")
    yield _item("Apply again yourself whenever a change is to widen the roles of delivery, which they cannot do")
    yield _item(
        "An apply that failed is not repeated with its plan, which no longer fits (exit code 3): run the pipeline "
        "again from the plan on, so that somebody agrees to what is left"
    )
    yield _item(
        "An apply that names something changed by hand (exit code 3 too) has applied nothing: put it back and run that "
        "job again, or take it into the state with the `mlops-iac refresh` that it prints, which takes rights of your "
        "own, and run the pipeline from the plan on"
    )


def _item(text: str) -> str:
    # Names are copied: they stay in one piece.
    wrapper = textwrap.TextWrapper(80, "- ", "  ", break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(text)
