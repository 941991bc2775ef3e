"""Ages of photos by a published model: a few on the command line, or millions with Beam."""
