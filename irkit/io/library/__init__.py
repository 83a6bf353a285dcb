"""Cards, collections behind them, and how their files are found, fetched and verified."""
