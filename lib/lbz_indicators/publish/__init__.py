"""What people see of the figures: pictures, packages and the messages about them. Pure functions, files written by steps."""
