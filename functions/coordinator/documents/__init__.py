"""How everything is stored: one codec, packed columns, bitmaps."""
