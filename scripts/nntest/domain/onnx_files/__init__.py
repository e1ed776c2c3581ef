"""Networks from ONNX files, every node accounted for.

`model_file` parses a file and drops its weights, `input_sizes` gives open dimensions their sizes,
`graph` infers all shapes and computes what is constant; then `reading` sorts the nodes, with the
tensors of `layers`, the `activations` and the `work` of each.  What no operator of ours computes
becomes `single_nodes`, and `fused_groups` of these.
"""
