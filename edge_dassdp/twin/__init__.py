"""The float counterparts of inference and learning."""
