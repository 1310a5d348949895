"""The rows, one module an AWS service; a row in a module's ``ROWS`` is in the table."""
