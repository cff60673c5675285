"""What customers will do: examples whose labels come later, and predictors that learn from them."""
