"""What the customers of each segment need and say, beside everybody: shares, how sure they are, and phrases."""
