"""The policies as a CrossGuard pack: `pulumi preview --policy-pack stacks/policy`; name packs to serve fewer rules."""

from mlops_iac.engines.pulumi.policy_pack import run_policy_pack

run_policy_pack()
