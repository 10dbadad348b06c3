"""A nation of patients and hospitals with a known truth: a delivery as the register would make it, and what is true of it.

Order of making: `nation` (hospitals, postcodes, events), `codes` and `mix` (what patients come for), `risks` (true models),
all small and made in NumPy; then, as Column expressions over rows of patients, `patients`, `admissions`, `outcomes`,
`returns` and `lives`; last `delivery`, `defects` and `truth`, which say the same rows as the register would and as they are.
"""
