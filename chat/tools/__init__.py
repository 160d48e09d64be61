"""The shop's systems: what may be called, with which arguments, how it is called safely, what is shown of the reply.

    registry    the tools of an inbox, as values
    arguments   from slots or from a model to what a schema allows
    running     one call: refused or made, always on record
    addresses, connecting, calling    the way out, which reaches nothing but what was meant

Called by turn and actions, and by the admin's page to try a tool.
"""
