"""Pictures of the measurement table; each function writes one picture as SVG and PNG."""
