"""What the faces read: one Session, its immutable results, its progress."""
