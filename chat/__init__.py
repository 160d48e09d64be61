"""What visitor, bot and agent say to each other, from the widget to the row."""
