"""`up` starts an instance, `prepare` makes its database ready."""
