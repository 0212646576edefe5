"""`python -m edge_dassdp` is the command line."""

from edge_dassdp.cli import main

main()
