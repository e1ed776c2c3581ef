"""What is measured: tensors, layers, networks and their files, data types, memory traffic."""
