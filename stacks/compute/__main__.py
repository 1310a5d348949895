"""The compute layer of fraud as a Pulumi program: what is in it stands in the system's YAML."""

from mlops_iac.engines.pulumi import run_layer

run_layer("compute")
