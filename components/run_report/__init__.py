"""RunReport: what a run did and why it ended so, what its data are like, and both in numbers.

`facts` gathers what a run left behind; `pages` and `metrics` tell it, each page complete in itself.
The TFX component does all of it at the end of the graph; a runner writes the report itself when a
run stops earlier.
"""
