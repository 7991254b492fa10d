# The protocol KLAP/1, for adapters in R. Needs R 4.1 or later on Unix and nothing else.
#
# An adapter is started with its folder and the id of an entry. It maps each entry to a function
# that loads the library and returns what it offers; manifest.json in the folder says the rest:
#
#     source(file.path(commandArgs(TRUE)[1], "../r/klap.R"))
#
#     serve("flexmix", list(KLdiv = function() {
#       library(flexmix)
#       list(kl = function(p, q) KLdiv(cbind(p, q))[1, 2])
#     }))
#
# An operation takes numeric vectors, in _rows matrices, and returns numbers. What the library
# refuses by stop(), or its C code by error(), is a refusal; an error of R itself is a surprise. No
# option is known to any operation. What R prints goes to standard error, since standard output
# belongs to the protocol, and packages are loaded from R and from the folder library, which
# library.R fills, never from where a user has his own.

SIZES <- c(f64 = 8, f32 = 4, f16 = 2, bf16 = 2, f8e4m3 = 1, f8e5m2 = 1, u8 = 1, i32 = 4, i64 = 8)

# serve answers questions until the input ends. The version of the package is the implementation's.
serve <- function(package, entries) {
  input <- file("stdin", "rb")
  output <- file("/dev/stdout", "wb")
  sink(stderr())
  Sys.setlocale("LC_ALL", "C") # a string is bytes
  args <- commandArgs(TRUE)
  own <- file.path(args[1], "library")
  .libPaths(own, include.site = FALSE)
  manifest <- from_json(readLines(file.path(args[1], "manifest.json"), warn = FALSE))
  entry <- Find(function(e) e[["id"]] == args[2], manifest[["entries"]])
  ops <- entries[[args[2]]]()
  if (!setequal(names(ops), entry[["ops"]])) stop("adapter and manifest.json differ in ops")
  keys <- new.env()
  frames <- FALSE # whether they were offered

  keyed <- function(key) {
    if (is.null(keys[[key]])) stop("no buffer is loaded as '", key, "'")
    keys[[key]]
  }

  answer <- function(m, bufs) {
    ok <- list(status = "ok")
    switch(m[["op"]],
      hello = {
        if (length(m[["protocol"]]) && !1 %in% m[["protocol"]]) say("unsupported", "this adapter speaks protocol 1")
        frames <<- "frame" %in% m[["encodings"]]
        Filter(Negate(is.null), c(ok, list(
          protocol = 1, name = paste0(manifest[["name"]], "/", entry[["id"]]), version = getNamespaceVersion(package)[[1]],
          language = manifest[["language"]], homepage = manifest[["homepage"]], ops = entry[["ops"]], dtypes = entry[["dtypes"]],
          convention = entry[["convention"]], accuracy = entry[["claim"]], encodings = list("frame", "b64", "hex"),
          deterministic = !identical(entry[["deterministic"]], FALSE), packages = packages(own))))
      },
      load = {
        if (length(bufs) != 1 || is.null(m[["key"]])) stop("load takes one buffer and a key")
        assign(m[["key"]], bufs[[1]], keys)
        ok
      },
      drop = {
        keyed(m[["key"]])
        rm(list = m[["key"]], envir = keys)
        ok
      },
      echo = c(ok, list(bufs = lapply(if (is.null(m[["key"]])) bufs else list(keyed(m[["key"]])), current))),
      bye = ok,
      bench = {
        if (!isTRUE(m[["iters"]] >= 1)) stop("bench takes iters of 1 or more")
        ask(m[["of"]], m, bufs, m[["iters"]])
      },
      ask(m[["op"]], m, bufs))
  }

  # ask answers a question; without iters it does not say how long that took.
  ask <- function(op, m, bufs, iters = NULL) {
    f <- ops[[op]]
    if (is.null(f)) say("unsupported", paste0("op '", op, "'"))
    if (!is.null(m[["keys"]])) bufs <- lapply(m[["keys"]], keyed)
    arity <- if (startsWith(op, "entropy")) 1 else 2
    if (length(bufs) == arity + 1) say("unsupported", "a mask")
    if (length(bufs) != arity) stop(op, " takes ", arity, " buffers, not ", length(bufs))
    if (length(m[["options"]])) say("unsupported", paste0("option '", names(m[["options"]])[1], "'"))
    for (b in bufs) {
      if (!b$dtype %in% entry[["dtypes"]]) say("unsupported", paste("dtype", b$dtype))
      if (is.null(b$x)) b$x <- numbers(b)
    }
    p <- bufs[[1]]$x
    q <- bufs[[arity]]$x
    once <- if (arity == 1) function() f(p) else function() f(p, q)
    withCallingHandlers({
      start <- Sys.time()
      for (i in seq_len(max(1, iters))) x <- once()
      ns <- as.numeric(Sys.time() - start, units = "secs") * 1e9
    }, error = function(e) {
      stopped <- any(vapply(sys.calls(), function(call) identical(call[[1]], quote(stop)), NA))
      foreign <- grepl('^(do.call\\(")?\\.(C|Call|External|Fortran)\\b', deparse(conditionCall(e))[1])
      if (stopped || foreign) {
        say("rejected", conditionMessage(e), if (identical(bufs[[1]]$shape, bufs[[arity]]$shape)) "domain" else "length")
      }
    })
    if (!is.numeric(x)) stop("the result is ", class(x)[1], ", not numeric")
    shape <- if (length(x) == 1 && !endsWith(op, "_rows")) list() else list(length(x))
    size <- SIZES[[bufs[[1]]$dtype]]
    result <- list(name = "result", dtype = bufs[[1]]$dtype, shape = shape, data = bits(x, size))
    c(list(status = "ok", bufs = list(result)), if (!is.null(iters)) list(ns = round(ns), iters = iters))
  }

  repeat {
    line <- readLines(input, 1, warn = FALSE)
    if (!length(line)) break
    m <- tryCatch(from_json(line), error = function(e) NULL)
    if (is.null(names(m))) stop("not a message: ", substr(line, 1, 80))
    data <- lapply(m[["bufs"]], function(b) if (!is.null(b[["bytes"]])) readBin(input, "raw", b[["bytes"]])) # all of them before anything is refused
    said <- tryCatch(answer(m, Map(decode, m[["bufs"]], data)), said = function(e) e$answer,
      error = function(e) list(status = "error", message = conditionMessage(e)))
    bufs <- said[["bufs"]]
    as_frames <- frames && (!length(data) || !is.null(data[[1]]))
    if (length(bufs)) said[["bufs"]] <- lapply(bufs, describe, as_frames)
    writeBin(charToRaw(paste0(to_json(c(list(id = m[["id"]]), said)), "\n")), output)
    if (as_frames) for (b in bufs) writeBin(b$data, output)
    flush(output)
    if (identical(m[["op"]], "bye")) break
  }
}

# say ends a question with an answer that has no result.
say <- function(status, message, kind = NULL) {
  answer <- c(list(status = status, message = message), if (!is.null(kind)) list(kind = kind))
  stop(structure(class = c("said", "condition"), list(message = message, call = NULL, answer = answer)))
}

# packages returns the versions of R and of what is in a library.
packages <- function(library) {
  found <- basename(list.dirs(library, recursive = FALSE))
  c(list(R = as.character(getRversion())), sapply(found, packageDescription, library, "Version", simplify = FALSE))
}

# decode makes the buffer of a message, an environment with its bytes as data, out of its description.
decode <- function(b, data) {
  dtype <- b[["dtype"]]
  if (!dtype %in% names(SIZES)) say("unsupported", paste0("dtype '", dtype, "'"))
  size <- SIZES[[dtype]]
  if (!is.null(b[["b64"]])) {
    v <- match(utf8ToInt(b[["b64"]]), utf8ToInt("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), 0) - 1
    v <- v[v >= 0]
    w <- c(2^18, 2^12, 2^6, 1) %*% matrix(c(v, numeric(-length(v) %% 4)), 4)
    data <- head(as.raw(rbind(w %/% 2^16, w %/% 2^8 %% 2^8, w %% 2^8)), (6 * length(v)) %/% 8)
  } else if (!is.null(b[["hex"]])) {
    words <- vapply(b[["hex"]], tolower, "")
    if (!all(nchar(words) == 2 * size)) stop("a hex word of ", dtype, " has ", 2 * size, " digits")
    v <- matrix(match(utf8ToInt(paste(words, collapse = "")), utf8ToInt("0123456789abcdef")) - 1, 2)
    data <- as.raw(matrix(16 * v[1, ] + v[2, ], size)[size:1, ]) # a word begins with the highest byte
  } else if (is.null(data)) stop("a buffer without bytes, b64 or hex")
  if (length(data) != size * prod(unlist(b[["shape"]]))) {
    stop("shape ", to_json(b[["shape"]]), " of ", dtype, " does not fit ", length(data), " bytes")
  }
  list2env(list(name = b[["name"]], dtype = dtype, shape = b[["shape"]], data = data, x = NULL))
}

numbers <- function(b) {
  x <- readBin(b$data, "double", length(b$data), SIZES[[b$dtype]], endian = "little")
  if (length(b$shape) == 2) matrix(x, b$shape[[1]], byrow = TRUE) else x
}

bits <- function(x, size) writeBin(as.double(x), raw(), size, endian = "little")

# current returns the buffer as the library has left it.
current <- function(b) {
  if (!is.null(b$x)) b$data <- bits(if (is.matrix(b$x)) t(b$x) else b$x, SIZES[[b$dtype]])
  b
}

describe <- function(b, as_frame) {
  said <- list(name = b$name, dtype = b$dtype, shape = b$shape)
  if (as_frame) return(c(said, list(bytes = length(b$data))))
  digits <- matrix(as.character(b$data), SIZES[[b$dtype]])
  c(said, list(hex = as.list(apply(digits[nrow(digits):1, , drop = FALSE], 2, paste, collapse = ""))))
}

# from_json reads an array as a list without names, an object as one with names.
from_json <- function(text) {
  text <- paste(text, collapse = " ")
  tokens <- regmatches(text, gregexpr('"[^"\\\\]*+(?:\\\\.[^"\\\\]*+)*+"|[][{}:,]|[^][{}:,"\\s]+', text, perl = TRUE))[[1]]
  at <- 0
  token <- function() tokens[at <<- at + 1]
  members <- function(close, named) {
    x <- list()
    keys <- character()
    while (tokens[at + 1] != close) {
      if (named) {
        keys[length(keys) + 1] <- value()
        token()
      }
      x[length(x) + 1] <- list(value())
      if (tokens[at + 1] == ",") token()
    }
    token()
    if (named) names(x) <- keys
    x
  }
  value <- function() {
    s <- token()
    switch(s, "{" = members("}", TRUE), "[" = members("]", FALSE), true = TRUE, false = FALSE, null = NULL,
      if (!startsWith(s, '"')) as.numeric(s)
      else if (grepl("\\", s, fixed = TRUE)) str2lang(gsub("(?<!\\\\)((?:\\\\{2})*)\\\\/", "\\1/", s, perl = TRUE)) # R has the other escapes
      else substr(s, 2, nchar(s) - 1))
  }
  value()
}

to_json <- function(x) {
  if (is.list(x)) {
    parts <- vapply(x, to_json, "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ","), "]"))
    keys <- vapply(names(x), to_json, "")
    return(paste0("{", paste0(keys, ":", parts, collapse = ",", recycle0 = TRUE), "}"))
  }
  if (is.null(x)) return("null")
  if (is.logical(x)) return(tolower(x))
  if (is.numeric(x)) return(sprintf("%.17g", x))
  Encoding(x) <- "unknown" # its bytes are UTF-8
  paste0('"', gsub('(["\\\\])', "\\\\\\1", trimws(gsub("[[:space:][:cntrl:]]+", " ", x))), '"')
}
