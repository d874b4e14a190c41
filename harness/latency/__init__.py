"""Raw samples in, statistics out: steady state, quantiles, intervals."""
