"""What people see of the figures: pictures; later the reports, files and packages. Pure functions, files written by steps."""
