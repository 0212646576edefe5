"""Methods of learning side by side: each from the same float weights, over the same streams."""
