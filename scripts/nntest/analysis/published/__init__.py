"""Published tables: how they are read, checked, repaired, and compared with."""
