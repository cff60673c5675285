"""What needs the whole state, made anew when something was committed: segments, rules, picture, sizes, status."""
