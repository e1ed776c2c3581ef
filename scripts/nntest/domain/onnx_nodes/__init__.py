"""Single ONNX nodes as something to measure: their names, their models, their work.

Imports nothing that knows networks or tensors of other species: those import it.
"""
