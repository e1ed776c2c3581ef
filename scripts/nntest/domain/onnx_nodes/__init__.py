"""ONNX nodes as something to measure, single or in groups: their names, models and work.

Imports nothing that knows networks or tensors of other species: those import it.
"""
