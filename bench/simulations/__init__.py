"""The real rules over outcomes that are drawn, not measured."""
