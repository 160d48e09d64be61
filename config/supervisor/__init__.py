"""The supervisor behind `make up`: plain Python in a small process that keeps the parts of one instance running.

Start reading at `running.run`. It does nothing with the data itself: `manage.py prepare` does, as a child.
"""
