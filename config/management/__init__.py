"""Commands of the platform itself: starting it and preparing its database."""
