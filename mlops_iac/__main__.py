"""``python -m mlops_iac`` is the command ``mlops-iac``."""

from mlops_iac.cli.main import main

main()
