"""Everything said to a model: prompts, SOPs, the gateway and its ledger. Knows nothing of conversations."""
