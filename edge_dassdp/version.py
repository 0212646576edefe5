"""The version of the package, which no other module stands in the way of."""

__version__ = "0.1.0"
