"""What people are shown: documents written for showing, and lost without a loss."""
