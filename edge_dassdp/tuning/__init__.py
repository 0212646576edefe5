"""Constants of learning, chosen on training or validation samples, never on those that judge."""
