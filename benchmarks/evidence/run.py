"""What every method learns from every stream: `make evidence` and `make evidence-full`.

    python benchmarks/evidence/run.py [--quick | --full] [--jobs N] [--dask ADDRESS]
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from evidence.main import main

    main()
