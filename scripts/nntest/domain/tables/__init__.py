"""What every table says of itself: its columns with type, unit, label and meaning, its caption."""
