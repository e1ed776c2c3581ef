"""Everything that reaches a board: transport, libraries, probe, plan, sweep, runner."""
