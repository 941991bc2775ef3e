"""Where a training may keep its checkpoint; known without any library."""

CHECKPOINT_FOLDER = "CUSTOMER_AGE_CHECKPOINT_FOLDER"
"""Environment variable: a folder that outlives the process, but not the container. Where it is not
set, nothing is kept, as nobody would come back for it."""
