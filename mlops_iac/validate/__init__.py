"""The validate phase: does the composed configuration have the shape that the specs ask for?"""

from mlops_iac.validate.phase import validate
from mlops_iac.validate.validated import Validated

__all__ = ["Validated", "validate"]
