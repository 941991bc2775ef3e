"""The graph that is served: from encoded photos to ages."""
