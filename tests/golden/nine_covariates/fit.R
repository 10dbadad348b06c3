# Logistic fits of the golden set: base R's glm, one file per diagnosis group.
# Called by make_golden.py: Rscript fit.R FOLDER. FOLDER holds groups.txt and <group>.csv with the columns y, c0, c1, ... (c0 = 1).
options(warn = 2)
folder <- commandArgs(trailingOnly = TRUE)[1]
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
meta <- NULL
for (group in readLines(file.path(folder, "groups.txt"))) {
  data <- read.csv(file.path(folder, paste0(group, ".csv")))
  # glm.fit judges aliasing with tolerance min(1e-7, epsilon / 1000): at epsilon 1e-14 that is 1e-17, below rounding, and an aliased
  # column would be kept. So R's default control (tolerance 1e-11) says which columns are aliased, and the fit proper runs without them.
  columns <- setdiff(names(data), "y")
  first <- glm(y ~ 0 + ., family = binomial(), data = data)
  stopifnot(first$converged, identical(names(coef(first)), columns))
  kept <- columns[!is.na(coef(first))]
  fit <- glm(y ~ 0 + ., family = binomial(), data = data[c("y", kept)], control = glm.control(epsilon = 1e-14, maxit = 100))
  # once more from there, so that the weights behind the standard errors are those of the final coefficients
  fit <- glm(y ~ 0 + ., family = binomial(), data = data[c("y", kept)], start = coef(fit), control = glm.control(epsilon = 1e-14, maxit = 100))
  stopifnot(fit$converged, identical(names(coef(fit)), kept), !anyNA(coef(fit)))
  estimate <- unname(coef(fit)[columns])
  error <- unname(sqrt(diag(vcov(fit)))[columns])
  out <- data.frame(column = columns, estimate = exact(estimate), standard_error = exact(error))
  write.csv(out, file.path(folder, paste0(group, ".out")), row.names = FALSE, quote = FALSE)
  meta <- rbind(meta, data.frame(group = group, deviance = exact(deviance(fit)), iterations = fit$iter, rank = fit$rank,
                                 max_eta = exact(max(abs(fit$linear.predictors)))))
}
write.csv(meta, file.path(folder, "meta.out"), row.names = FALSE, quote = FALSE)
cat(R.version.string, "\n")
