"""What is kept of persons, and under which name: attributes, free text, pseudonyms."""
