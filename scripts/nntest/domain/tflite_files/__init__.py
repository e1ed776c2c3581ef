"""Networks from TFLite files, every operator accounted for.

`model_file` takes a file apart, `layers` has the tensor that stands for an operator, `work` what
each costs, and `reading` sorts them.
"""
