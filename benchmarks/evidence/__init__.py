"""Every method over every stream, measured: what `make evidence` runs."""
