"""The web process, `python -m config.web`: Daphne by default, uvicorn on request, both within the same limits."""
