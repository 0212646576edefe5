"""Methods of learning side by side: each from the same weights, over the same streams."""
