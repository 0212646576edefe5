"""What libraries can be laid out for: light, so that help can name them without loading one."""

KINDS = ("arduino", "cmake", "make", "platformio", "zephyr")
"""Build systems of `edge_dassdp.library.layouts`."""
