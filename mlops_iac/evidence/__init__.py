"""What a configuration can show to people who must answer for the system: control by control, and the system card."""
