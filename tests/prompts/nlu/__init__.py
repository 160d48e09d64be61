"""Tests of prompts.nlu: plain Python, no database."""
