"""RunReport: a run's result and its reason, an analysis of its data, and both as metrics.

`facts` collects the facts from a run's artifacts. `pages` and `metrics` present them; each page is
complete in itself. The TFX component does this at the end of the graph. If a run stops earlier,
the runner writes the report.
"""
