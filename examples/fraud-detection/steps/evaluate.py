"""Score the test set and write the metrics that the pipeline's gate reads.

Writes /opt/ml/processing/output/evaluation/evaluation.json: {"metrics": {"f1": {"value": ...}, ...}}.
"""

from __future__ import annotations

import argparse
import json
import tarfile
from pathlib import Path

import pandas as pd
import torch
from torch import nn

FEATURES = ["amount", "transactions_last_hour"]


def metrics(labels: pd.Series, scores: pd.Series, facet: pd.Series) -> dict[str, float]:
    """f1, precision and recall at a threshold of one half, and bias: the widest gap in alert rates between facets."""
    alerts = scores >= 0.5
    hits = int((alerts & (labels == 1)).sum())
    precision = hits / max(int(alerts.sum()), 1)
    recall = hits / max(int((labels == 1).sum()), 1)
    rates = alerts.groupby(facet).mean()
    return {
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "precision": precision,
        "recall": recall,
        "bias": float(rates.max() - rates.min()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, default=Path("/opt/ml/processing/input"))
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output/evaluation"))
    arguments = parser.parse_args()
    with tarfile.open(arguments.input / "model" / "model.tar.gz") as archive:
        archive.extractall(arguments.input / "model", filter="data")
    model = nn.Sequential(nn.Linear(len(FEATURES), 64), nn.ReLU(), nn.Linear(64, 1))
    model.load_state_dict(torch.load(arguments.input / "model" / "model.pt", map_location="cpu"))
    data = pd.read_parquet(arguments.input / "test")
    with torch.no_grad():
        scores = torch.sigmoid(model(torch.tensor(data[FEATURES].to_numpy(), dtype=torch.float32))).squeeze(1)
    found = metrics(data["is_fraud"], pd.Series(scores.numpy(), index=data.index), data["country"])
    arguments.output.mkdir(parents=True, exist_ok=True)
    report = {"metrics": {name: {"value": value} for name, value in found.items()}}
    (arguments.output / "evaluation.json").write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
