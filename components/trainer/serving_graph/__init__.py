"""The served graph: it predicts ages from encoded photos."""
