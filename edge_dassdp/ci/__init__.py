"""A model in its users' own CI: what a test asserts of it, files of expected bits, and recipes.
`edge_dassdp.pytest_plugin` makes fixtures of it; docs/ci.md."""
