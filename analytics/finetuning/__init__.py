"""Data to tune a model with: where it comes from, what is left out, how it is split, checked and written. See docs/finetuning.md."""
