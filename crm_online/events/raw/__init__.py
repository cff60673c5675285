"""Files of any kind into raw rows, some at a time: unpacked and split, and nothing made of them yet."""
