# Shared by the scripts of this folder: data, versions, and how a vector is written.
#
# Each script runs in this folder, `Rscript oneway.R FOLDER`, and writes its files to FOLDER.

invisible(Sys.setlocale("LC_COLLATE", "C")) # the order of groups

output <- commandArgs(trailingOnly = TRUE)
if (length(output) != 1) stop("one argument, the folder to write to, is missing")
dir.create(file.path(output, "data"), recursive = TRUE, showWarnings = FALSE)

read_data <- function(name, ...) read.csv(file.path("..", "data", paste0(name, ".csv")), ...)

# The version of R and of each package; of the linear algebra where it matters.
versions <- function(..., algebra = TRUE) {
  packages <- c(...)
  linked <- list(BLAS = basename(extSoftVersion()[["BLAS"]]), LAPACK = La_version())
  found <- lapply(setNames(packages, packages), function(name) as.character(packageVersion(name)))
  c(list(R = R.version.string), if (algebra) linked, found)
}

# One vector as JSON. A vector of length one is a scalar unless wrapped in I().
write_vector <- function(name, content) writeLines(json(content), file.path(output, paste0(name, ".json")))

# Doubles have 17 significant digits, so that they are read back as they are; a missing value is null.
json <- function(x, indent = "") {
  inner <- paste0(indent, " ")
  if (is.matrix(x)) x <- lapply(seq_len(nrow(x)), function(i) I(x[i, ]))
  if (is.null(x)) return("null")
  if (length(x) == 1 && !is.list(x) && !inherits(x, "AsIs")) return(json_scalar(x))
  if (is.null(names(x))) {
    return(paste0("[", paste(vapply(unname(as.list(x)), json, "", inner), collapse = ", "), "]"))
  }
  fields <- paste0(inner, json_scalar(names(x)), ": ", vapply(x, json, "", inner))
  paste0("{\n", paste(fields, collapse = ",\n"), "\n", indent, "}")
}

json_scalar <- function(x) {
  text <- if (is.double(x)) sprintf("%.17g", x) else if (is.logical(x)) tolower(x) else as.character(x)
  if (is.character(x)) text <- encodeString(text, quote = "\"")
  text[is.infinite(x)] <- "\"Infinity\""
  ifelse(is.na(x), "null", text)
}

write_data <- function(name, frame) {
  numbers <- vapply(frame, is.double, NA)
  frame[numbers] <- lapply(frame[numbers], function(x) sprintf("%.17g", x))
  write.csv(frame, file.path(output, "data", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}

# Keys of one letter each are written as one string.
keys <- function(names) if (all(nchar(names) == 1)) paste(names, collapse = "") else names

# Sum of squares within the groups.
within <- function(y, g) sum(tapply(y, g, function(x) sum((x - mean(x))^2)))
