"""`make bench`: what the platform adds to the direct stream of the same provider, measured in the same run."""
