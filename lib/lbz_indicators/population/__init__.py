"""Who is in the population, in which diagnosis group, with which covariates."""
