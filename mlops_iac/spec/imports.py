"""The section ``imports``: outputs of what other tools deployed, as inputs of this system."""

from __future__ import annotations

from typing import Annotated

from mlops_iac.spec.base import Spec, doc


class ImportSection(Spec, kw_only=True):
    """Outputs that another tool exported to a file below the system's folder; `${imports.NAME.OUTPUT}` is one of them.

    Exactly one of the files is named. Nothing is asked over a network.
    """

    terraform: Annotated[
        str | None, doc("Terraform or OpenTofu: a state file (version 4), or what `terraform output -json` printed.")
    ] = None
    cloudformation: Annotated[str | None, doc("CloudFormation: what `aws cloudformation describe-stacks` printed.")] = (
        None
    )
    pulumi: Annotated[str | None, doc("Pulumi: what `pulumi stack output --json` or `stack export` printed.")] = None
    stack: Annotated[str | None, doc("Which CloudFormation stack, where the file holds several.")] = None
