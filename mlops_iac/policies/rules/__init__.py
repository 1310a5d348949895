"""One file a rule; dropping a file in registers it."""
