"""A graph in the formats of the libraries."""
