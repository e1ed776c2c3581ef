"""Tables that somebody published: how they are read, checked, repaired, and compared with."""
