"""Rules X ⇒ Y out of itemsets: measures, redundancy, ranks, and what changed since they were last emitted."""
