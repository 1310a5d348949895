"""mlops_iac: a whole ML system declared in Hydra YAML, compiled to Pulumi stacks."""

__version__ = "0.1.0"
