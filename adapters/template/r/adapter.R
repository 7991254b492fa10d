# An adapter for klconf: replace this function kl by your own call.
#
# kl gets P and Q as numeric vectors and returns D(P‖Q); stop() is a refusal. The rest is the
# protocol KLAP/1. Standard output belongs to it: what R prints goes to standard error.

kl <- function(p, q) { # what is graded
  if (anyNA(c(p, q))) return(NaN)
  if (any(c(p, q) < 0 | c(p, q) == Inf)) stop("a weight is negative or infinite")
  if (any(p > 0 & q == 0)) return(Inf)
  some <- p > 0
  sum(p[some] * (log(p[some]) - log(q[some])))
}

# field returns the value of a field, without quotation marks, or "". R has no JSON; the lines of
# the runner are simple enough for this.
field <- function(json, name) {
  m <- regmatches(json, regexec(paste0('"', name, '":("[^"]*"|\\[[^]]*\\]|\\{[^}]*\\}|[^,}]*)'), json, perl = TRUE))[[1]]
  if (length(m)) gsub('^"|"$', "", m[2]) else ""
}

numbers <- function(buf) {
  if (nzchar(field(buf, "hex"))) {
    digits <- regmatches(field(buf, "hex"), gregexpr("[0-9a-f]{2}", field(buf, "hex")))[[1]]
    return(readBin(as.raw(strtoi(digits, 16)), "double", length(digits), endian = "big"))
  }
  data <- raw()
  if (nzchar(field(buf, "bytes"))) data <- readBin(input, "raw", as.numeric(field(buf, "bytes")))
  if (nzchar(field(buf, "b64"))) {
    v <- match(strsplit(field(buf, "b64"), "")[[1]], c(LETTERS, letters, 0:9, "+", "/"), 0) - 1
    v <- v[v >= 0]
    w <- c(2^18, 2^12, 2^6, 1) %*% matrix(c(v, numeric(-length(v) %% 4)), 4)
    data <- head(as.raw(rbind(w %/% 2^16, w %/% 2^8 %% 2^8, w %% 2^8)), floor(length(v) * 6 / 8))
  }
  readBin(data, "double", length(data), endian = "little")
}

answer <- function(m, dtypes, x) {
  op <- field(m, "op")
  if (op == "hello") {
    return('"status":"ok","protocol":1,"name":"example","version":"1","language":"R","ops":["kl"],"dtypes":["f64"],"encodings":["frame","b64","hex"],"deterministic":true')
  }
  if (op == "bye") return('"status":"ok"')
  if (op != "kl" || !identical(dtypes, c("f64", "f64")) || nchar(field(m, "options")) > 2) {
    return('"status":"unsupported","message":"only kl of two f64 vectors, without options"')
  }
  n <- lengths(x)
  if (n[1] != n[2]) return(sprintf('"status":"rejected","kind":"length","message":"%d and %d elements"', n[1], n[2]))
  status <- "error" # of R itself
  stopped <- function(call) identical(call[[1]], quote(stop))
  tryCatch({
    d <- withCallingHandlers(kl(x[[1]], x[[2]]), error = function(e) if (any(sapply(sys.calls(), stopped))) status <<- "rejected")
    bits <- writeBin(as.double(d), raw(), endian = "big")
    sprintf('"status":"ok","bufs":[{"name":"kl","dtype":"f64","shape":[],"hex":["%s"]}]', paste(bits, collapse = ""))
  }, error = function(e) sprintf('"status":"%s","kind":"domain","message":"%s"', status, gsub('["\\\\[:cntrl:]]', " ", conditionMessage(e))))
}

input <- file("stdin", "rb")
sink(stderr())
repeat {
  m <- readLines(input, 1, warn = FALSE)
  if (!length(m)) break
  bufs <- regmatches(m, gregexpr('\\{[^{}]*"dtype"[^{}]*\\}', m, perl = TRUE))[[1]]
  x <- lapply(bufs, numbers) # here, as an argument would be read when it is needed
  said <- answer(m, vapply(bufs, field, "", "dtype", USE.NAMES = FALSE), x)
  sink()
  cat('{"id":', field(m, "id"), ",", said, "}\n", sep = "")
  sink(stderr())
  if (field(m, "op") == "bye") break
}
