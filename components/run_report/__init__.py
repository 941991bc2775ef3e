"""RunReport: one HTML page, complete in itself, on what a run did and why it ended so.

`facts.collect` gathers what a run left behind, and `page.write_report` writes the page. The TFX
component does both at the end of the graph; a runner does both itself when a run stops earlier.
"""
