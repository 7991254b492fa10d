# Sets an adapter up: Rscript library.R [--offline] FOLDER puts the packages that its manifest.json
# pins into the folder library beside it, in that order, so that each comes after what it needs. One
# that R has in the wanted version, as Debian's packages put it there, is copied; another is built
# from CRAN, or from where the option repos says.

options(warn = 1) # as it happens: the last line is why it failed
args <- commandArgs(TRUE)
offline <- "--offline" %in% args
folder <- setdiff(args, "--offline")
source(file.path(folder, "../r/klap.R"))
pins <- from_json(readLines(file.path(folder, "manifest.json"), warn = FALSE))[["packages"]]
from <- .libPaths()
into <- file.path(folder, "library")
dir.create(into, showWarnings = FALSE)
.libPaths(into, include.site = FALSE)

# repository returns the address of CRAN, of R's first mirror if none is chosen.
repository <- function() {
  if (getOption("repos")[["CRAN"]] == "@CRAN@") chooseCRANmirror(ind = 1)
  getOption("repos")[["CRAN"]]
}

# versions returns those of a package in some libraries, "" where there is none.
versions <- function(name, libraries) {
  vapply(file.path(libraries, name, "DESCRIPTION"), function(f) if (file.exists(f)) read.dcf(f, "Version")[[1]] else "", "", USE.NAMES = FALSE)
}

for (name in names(pins)) {
  pin <- pins[[name]]
  if (versions(name, into) == pin) next
  unlink(file.path(into, name), recursive = TRUE)
  found <- versions(name, from)
  if (pin %in% found) file.copy(file.path(from[match(pin, found)], name), into, recursive = TRUE)
  for (place in c("", paste0("Archive/", name, "/"))) { # an older version is in the archive
    if (offline || versions(name, into) == pin) break
    file <- paste0(name, "_", pin, ".tar.gz")
    got <- file.path(tempdir(), file)
    if (inherits(try(download.file(paste0(repository(), "/src/contrib/", place, file), got)), "try-error")) next
    install.packages(got, into, repos = NULL, type = "source", INSTALL_opts = c("--no-docs", "--no-test-load"))
  }
  if (versions(name, into) != pin) {
    others <- found[found != ""]
    message(sprintf("the package %s %s is not in R%s and could not be had from CRAN; in Debian: apt-get install r-cran-%s",
      name, pin, if (length(others)) paste0(", which has ", others[1], ",") else "", tolower(name)))
    quit(status = 1)
  }
}
for (name in names(pins)) loadNamespace(name, into)
cat(paste(names(pins), pins, collapse = ", "), "\n", sep = "")
