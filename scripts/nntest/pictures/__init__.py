"""From tables to pictures: still plots and interactive charts, in one style."""
