"""Turn raw transactions into training, validation and test sets, and feed the feature store.

Runs as a SageMaker processing job: inputs appear below /opt/ml/processing/input/<bucket>, outputs go to
/opt/ml/processing/output/{train,validation,test}.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

COLUMNS = ["amount", "merchant_id", "country", "transactions_last_hour", "is_fraud"]


def prepare(raw: pd.DataFrame) -> pd.DataFrame:
    """Count each card's transactions in the hour before, and drop rows without a label."""
    ordered = raw.dropna(subset=["is_fraud"]).sort_values("event_time").set_index("event_time")
    counts = ordered.groupby("card_id")["amount"].rolling("1h").count().rename("transactions_last_hour")
    return ordered.reset_index().assign(transactions_last_hour=counts.to_numpy())[COLUMNS]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, default=Path("/opt/ml/processing/input/raw"))
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output"))
    arguments = parser.parse_args()
    data = prepare(pd.read_parquet(arguments.input / "transactions"))
    bounds = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}
    for name, (start, end) in bounds.items():
        folder = arguments.output / name
        folder.mkdir(parents=True, exist_ok=True)
        data.iloc[int(len(data) * start) : int(len(data) * end)].to_parquet(folder / "part-0.parquet")


if __name__ == "__main__":
    main()
