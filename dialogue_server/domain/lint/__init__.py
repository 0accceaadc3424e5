"""What is wrong with a world before a player meets it."""
