"""Objects in space, from masks and the depth behind them."""
