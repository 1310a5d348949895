"""Pipelines read files, so they are compiled in a folder that has them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mlops_iac.compile.driver import compile_graph
from mlops_iac.spec.load import load
from mlops_iac.validate import validate

from ..conftest import Compiled

SURROUNDINGS = {
    "buckets": {"raw": {"classification": "confidential"}, "features": {"classification": "confidential"}},
    "feature_stores": {
        "transactions": {
            "record_id": "id",
            "event_time": "at",
            "offline": {"bucket": "features"},
            "features": {"amount": "float"},
        }
    },
    "images": {"trainer": {}},
    "models": {"fraud-scorer": {}, "released-scorer": {"released": {"prod": 3}}},
}

STEPS = {
    "prepare": {
        "kind": "processing",
        "script": "steps/prepare.py",
        "instance_type": "ml.m5.2xlarge",
        "inputs": ["raw"],
        "feature_store": "transactions",
    },
    "train": {
        "kind": "training",
        "framework": "pytorch",
        "version": "2.5",
        "script": "steps/train.py",
        "instance_type": "ml.g5.2xlarge",
        "instances": 2,
        "distribution": "torchrun",
        "spot": True,
        "max_runtime": "6h",
        "hyperparameters": {"lr": 0.001, "epochs": 20},
        "after": ["prepare"],
    },
    "evaluate": {
        "kind": "evaluation",
        "script": "steps/evaluate.py",
        "after": ["train"],
        "metrics": ["f1", "precision", "recall", "bias"],
    },
    "register": {
        "kind": "register",
        "model": "fraud-scorer",
        "when": "f1 >= 0.85 and beats_production",
        "after": ["evaluate"],
    },
}
"""The reference system's pipeline."""


def pipeline(steps=STEPS, changes=None, **spec):
    """One pipeline as YAML; ``changes`` are merged into its steps by name."""
    merged = {name: {**step, **(changes or {}).get(name, {})} for name, step in steps.items()}
    merged |= {name: step for name, step in (changes or {}).items() if name not in steps}
    return json.dumps({**SURROUNDINGS, "pipelines": {"p": {"steps": merged, **spec}}})


@pytest.fixture
def folder(tmp_path):
    """A system's folder with the scripts of the reference pipeline."""
    (tmp_path / "steps").mkdir()
    for name in ("prepare", "train", "evaluate"):
        (tmp_path / "steps" / f"{name}.py").write_text(f"print('{name}')\n")
    return tmp_path


@pytest.fixture
def compiled_in(compose_text, folder):
    """Compiles one YAML text in ``folder``."""

    def make(text):
        composition = replace(compose_text(text), root=folder)
        system = load(validate(composition))
        return Compiled(system, compile_graph(system, composition))

    return make
