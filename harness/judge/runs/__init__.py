"""Looking records up in the store, else launching workers that make them."""
