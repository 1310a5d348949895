"""The real Pulumi engine: layers as Pulumi programs, the ``stacks/`` projects, and providers served to it.

Importing this package imports no Pulumi SDK: ``scaffold`` is plain text and runs without one.
"""

from __future__ import annotations


def run_layer(layer: str) -> None:
    """Be the Pulumi program of one layer: what ``stacks/<layer>/__main__.py`` calls.

    Raises ``pulumi.RunError``, which the engine shows without a traceback, for a configuration that does not compile.
    """
    from mlops_iac.engines.pulumi.program import run_layer as run

    run(layer)


__all__ = ["run_layer"]
