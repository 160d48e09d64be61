"""Load tests: the file that tests.load writes, the figures of it by model, its row, its table. See docs/loadtest.md."""
