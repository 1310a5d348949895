"""The diagnostics of the validate phase."""

from __future__ import annotations

from typing import Final

UNKNOWN_KEY: Final = "MI2001"
"""A key that nothing reads."""
MISSING_KEY: Final = "MI2002"
"""A key that has no default is absent."""
WRONG_TYPE: Final = "MI2003"
"""A value of another type than the field has."""
NOT_A_CHOICE: Final = "MI2004"
"""A value that is not one of those allowed."""
MALFORMED: Final = "MI2005"
"""A text that is not written the way the field wants it."""
OUT_OF_RANGE: Final = "MI2006"
"""A number that is too small, too large or not a multiple."""
WRONG_LENGTH: Final = "MI2007"
"""A text, list or mapping with too little or too much in it."""
BAD_NAME: Final = "MI2008"
"""A key of a mapping that is no valid name there."""
PLAIN_SECRET: Final = "MI2009"
"""A credential, or what looks like one, that stands in a file or an override."""
REFUSED: Final = "MI2099"
"""A value that its typed spec refuses for a reason that the schema does not state."""

NOT_BUILT: Final = "MI4001"
"""A section that is planned and that this version cannot build."""
