# R's glm over all diagnosis groups on two cores: Rscript peers.R FOLDER (glm | glm.fit)
# glm: factors and a formula, as a statistician writes it. glm.fit: the bare fit on a ready matrix.
# Prints the seconds of the fits alone and of reading. Default epsilon; coefficients to NUMBER.KIND.txt.
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
kind <- arguments[2]

index <- read.csv(file.path(folder, "index.csv"), colClasses = c("character", "integer", "character"))
read_group <- function(i) {
  n <- index$n[i]
  sizes <- as.integer(strsplit(index$sizes[i], "-")[[1]])
  raw <- readBin(file.path(folder, index$file[i]), "raw", n * (1 + length(sizes)))
  list(y = as.integer(raw[seq_len(n)]), codes = matrix(raw[-seq_len(n)], n), sizes = sizes)
}

fit_formula <- function(group) {
  terms <- lapply(seq_along(group$sizes), function(t) {
    factor(as.integer(group$codes[, t]), levels = 0:group$sizes[t])
  })
  names(terms) <- paste0("t", seq_along(terms))
  coef(glm(y ~ ., family = binomial(), data = data.frame(y = group$y, terms)))
}

fit_matrix <- function(group) {
  columns <- lapply(seq_along(group$sizes), function(t) {
    outer(as.integer(group$codes[, t]), seq_len(group$sizes[t]), "==") * 1
  })
  x <- do.call(cbind, c(list(rep(1, length(group$y))), columns))
  glm.fit(x, group$y, family = binomial())$coefficients
}

reading <- system.time(groups <- lapply(seq_len(nrow(index)), read_group))["elapsed"]
order <- order(-index$n)
fit <- if (kind == "glm") fit_formula else fit_matrix
fitting <- system.time(
  coefficients <- parallel::mclapply(groups[order], fit, mc.cores = 2, mc.preschedule = FALSE)
)["elapsed"]
for (place in seq_along(order)) {
  number <- order[place] - 1
  writeLines(format(coefficients[[place]], digits = 17), file.path(folder, paste0(number, ".", kind, ".txt")))
}
cat(fitting, reading, "\n")
