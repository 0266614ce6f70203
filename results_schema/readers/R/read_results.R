# Reads results.h5 of a run into R, with rhdf5 (Bioconductor) or hdf5r (CRAN), whichever is installed.
#
#   source("read_results.R")
#   results <- read_results("run/results.h5")
#   subset(results$tables, table == "C7" & scenario == "baseline")
#   results$cells$persons["baseline", "benefit|pension|old|amount", "female", , ]
#
# Returns a list:
#   tables      all tables in tidy form, one row a figure; an absent figure is NaN, `status` says why
#   identities  the accounting identities checked
#   cells       arrays with names of their dimensions, in the order scenario, measure, sex, age group,
#               status (persons, persons_n) or scenario, measure, region, area (places, places_n)
#   attributes  country, currency, year, digest, ...
#   provenance  what is needed to run it again, JSON text

read_results <- function(path, package = NULL) {
  if (is.null(package)) {
    package <- Filter(function(p) requireNamespace(p, quietly = TRUE), c("rhdf5", "hdf5r"))[1]
    if (is.na(package)) stop("install rhdf5 (Bioconductor) or hdf5r (CRAN)")
  }
  if (!file.exists(path)) stop(path, ": there is no such file")
  file <- switch(package,
    rhdf5 = .open_rhdf5(path), hdf5r = .open_hdf5r(path), stop("unknown package ", package)
  )
  on.exit(file$close())
  attributes <- file$attributes()
  .check(path, attributes)
  families <- lapply(file$names("tables"), function(f) .columns(file, paste0("tables/", f)))
  list(
    tables = do.call(rbind, families),
    identities = .columns(file, "identities"),
    cells = .cells(file),
    attributes = attributes,
    provenance = as.vector(file$read("provenance"))
  )
}

.check <- function(path, attributes) {
  if (!identical(as.character(attributes$format_name), "microsim results")) {
    stop(path, ": is not a results file")
  }
  version <- attributes$format_version
  if (version[1] != 1) {
    stop(path, ": has version ", paste(version, collapse = "."), "; expected 1.x")
  }
  if (is.null(attributes$complete) || attributes$complete != 1) stop(path, ": was not finished")
}

.columns <- function(file, group) {
  names <- setdiff(file$names(group), "line")
  columns <- lapply(names, function(name) as.vector(file$read(paste0(group, "/", name))))
  names(columns) <- names
  as.data.frame(columns, check.names = FALSE, stringsAsFactors = FALSE)
}

# R lists the dimensions of an HDF5 dataset from the last to the first: they are turned around.
.cells <- function(file) {
  labels <- function(dims) lapply(dims, function(dim) as.vector(file$read(paste0("cells/", dim))))
  of_persons <- c("scenario", "measure", "sex", "age_group", "status")
  of_places <- c("scenario", "measure", "region", "area")
  wanted <- list(
    persons = of_persons, persons_n = of_persons, places = of_places, places_n = of_places
  )
  wanted <- wanted[names(wanted) %in% file$names("cells")]
  lapply(setNames(names(wanted), names(wanted)), function(name) {
    dims <- wanted[[name]]
    names_of <- labels(dims)
    values <- file$read(paste0("cells/", name))
    values <- aperm(array(values, rev(lengths(names_of))), rev(seq_along(dims)))
    dimnames(values) <- setNames(names_of, dims)
    values
  })
}

.open_rhdf5 <- function(path) {
  list(
    names = function(group) {
      found <- rhdf5::h5ls(path, recursive = TRUE)
      found$name[found$group == paste0("/", group)]
    },
    # Whole numbers as double: R has no integers of 64 bits, and all of them are below 2^53.
    read = function(name) rhdf5::h5read(path, name, bit64conversion = "double"),
    attributes = function() rhdf5::h5readAttributes(path, "/"),
    close = function() rhdf5::h5closeAll()
  )
}

.open_hdf5r <- function(path) {
  file <- hdf5r::H5File$new(path, mode = "r")
  list(
    names = function(group) names(file[[group]]),
    read = function(name) file[[name]]$read(),
    attributes = function() {
      names <- hdf5r::h5attr_names(file)
      setNames(lapply(names, function(name) hdf5r::h5attr(file, name)), names)
    },
    close = function() file$close_all()
  )
}
