"""What was measured, as files: Collective Knowledge archives and the measurement table."""
