"""Personal data: found, replaced by placeholders before a model reads it, and put back for its owner alone."""
