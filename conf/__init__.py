"""Settings, source mappings and reference lists, shipped inside the package as `lbz_indicators.conf`."""
