"""The folders that travel with the package: firmware/, codegen/, boards/, examples/.

They are found in an installed wheel (`edge_dassdp/_assets/<name>`) or else in a checkout.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from edge_dassdp.base.errors import EdgeError

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The data folder `name`. Raises EdgeError E103 if the installation lacks it."""
    for candidate in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise EdgeError("E103", f"the folder {name} is missing from this installation",
                    help="Install edge-dassdp again, or work from a complete checkout.")


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("codegen")), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)


def render(template: str, **values: object) -> str:
    """The template `codegen/<template>` filled in; a name it lacks is an error."""
    return _templates().get_template(template).render(**values)
