"""What reads networks of other tools: PyTorch frameworks, NIR, ONNX."""
