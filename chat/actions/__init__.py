"""Everything a visitor or an agent can do: check, write in one transaction, push after commit."""
