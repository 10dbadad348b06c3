"""From expected values of admissions to published figures."""
