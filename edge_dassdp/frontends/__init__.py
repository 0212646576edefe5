"""What reads networks of other tools: PyTorch frameworks, NIR, ONNX.

An importer (torch, nir, onnx) makes `nodes` of what it reads; `graph` checks them, `folding` joins
what lies between two neurons, and `assemble` makes populations and projections. `framework` says
what a framework is, `known` which there are, `profile` what a NIR file leaves open. `files` opens
whatever holds a network.
"""
