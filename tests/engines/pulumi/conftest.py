"""Makes the helper modules of this folder importable, also for the Pulumi programs that the tests start."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
