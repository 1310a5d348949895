"""Train the fraud scorer on all GPUs of the job; torchrun starts one process for each.

Checkpoints go to /opt/ml/checkpoints, so that a spot interruption costs at most one epoch.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

FEATURES = ["amount", "transactions_last_hour"]


def load(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and labels of one data set."""
    data = pd.read_parquet(folder)
    return (
        torch.tensor(data[FEATURES].to_numpy(), dtype=torch.float32),
        torch.tensor(data["is_fraud"].to_numpy(), dtype=torch.float32),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    torch.distributed.init_process_group("nccl")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    model = DistributedDataParallel(
        nn.Sequential(nn.Linear(len(FEATURES), 64), nn.ReLU(), nn.Linear(64, 1)).to(device)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr)
    checkpoint = Path("/opt/ml/checkpoints/latest.pt")
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        model.module.load_state_dict(saved["model"])
        first = saved["epoch"] + 1
    features, labels = load(Path(os.environ["SM_CHANNEL_TRAIN"]))
    loss_of = nn.BCEWithLogitsLoss()
    for epoch in range(first, arguments.epochs):
        optimizer.zero_grad()
        loss = loss_of(model(features.to(device)).squeeze(1), labels.to(device))
        loss.backward()
        optimizer.step()
        if torch.distributed.get_rank() == 0:
            torch.save({"model": model.module.state_dict(), "epoch": epoch}, checkpoint)
    if torch.distributed.get_rank() == 0:
        torch.save(model.module.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pt")


if __name__ == "__main__":
    main()
