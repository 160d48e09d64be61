"""What is measured. Reads the other apps; nobody calls it."""
