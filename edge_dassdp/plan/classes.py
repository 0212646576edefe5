"""Class means and spare classes in flash: dassdp_classes_t of dassdp_class_tables.h."""

from __future__ import annotations

from edge_dassdp.plan.layout import Layout
from edge_dassdp.plan.path_tables import Fields
from edge_dassdp.qir.tables import Array, Table


def classes_table(layout: Layout) -> Table:
    """Of a network that keeps classes."""
    network, means = layout.network, layout.network.class_means
    kept = [f for f in layout.fields if f.name in ("class_means", "class_seen", "class_names")]
    hidden: Fields = (("n_known", network.n_known),)
    if means is not None:
        hidden = (*hidden, ("hidden", [p.name for p in network.populations].index(means.hidden)),
                  ("n_hidden", means.means.shape[1]),
                  ("means", Array("uint8_t", "class_means", means.means.ravel())),
                  ("seen", Array("uint8_t", "class_seen", means.seen)))
    return Table("dassdp_classes_t", "classes", (
        *hidden,
        *((f"{name}_off", layout.offset(field)) for name, field in (
            ("means", "class_means"), ("seen", "class_seen"), ("names", "class_names"),
            ("direction", "class_direction"), ("distance", "class_distance"),
            ("found", "class_found"), ("copy", "saved_classes"))),
        ("kept_off", kept[0].offset), ("kept_bytes", sum(f.bytes for f in kept)),
        *((("mask", "dassdp_spare_mask"), ("is_known", "dassdp_spare_is_known"))
          if network.spare_classes else ()),
        *((("classify", "dassdp_means_classify"), ("learn", "dassdp_means_learn"),
           ("learn_again", "dassdp_means_learn_again" if network.replay else None))
          if means is not None else ()),
        ("keep", "dassdp_taught_keep"), ("check", "dassdp_taught_check")), header="classes_of.h")
