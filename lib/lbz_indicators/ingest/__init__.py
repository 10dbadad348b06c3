"""From a delivered folder to bronze, and from bronze to valid, rejected and flagged records in silver."""
