"""Buy till you die: what customers will buy, from when and how often they bought, with no label."""
