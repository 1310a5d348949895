"""Measures mlops-iac beside its peers on the machine at hand; run ``python -m benchmarks``."""
