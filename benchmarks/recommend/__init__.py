"""Recommendations: hide one item of each basket of a log's last month, and see who finds it."""
