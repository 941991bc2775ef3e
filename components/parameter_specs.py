"""How a component that tells of a whole run declares the run's parameters."""

from tfx.types import component_spec

from .run_parameters import RUN_PARAMETERS, properties

OPTIONAL_PARAMETERS = {
    name: component_spec.ExecutionParameter(type=kind, optional=True)
    for name, kind in properties({each.name: each.type for each in RUN_PARAMETERS}).items()
}
"""For the `PARAMETERS` of a ComponentSpec; a local run leaves them out."""
