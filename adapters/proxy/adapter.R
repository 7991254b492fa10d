# proxy: its measure "Kullback" of the rows of two matrices.
source(file.path(commandArgs(TRUE)[1], "../r/klap.R"))

serve("proxy", list(dist.Kullback = function() {
  library(proxy)
  list(kl = function(p, q) dist(rbind(p), rbind(q), method = "Kullback"),
    kl_rows = function(p, q) dist(p, q, method = "Kullback", pairwise = TRUE))
}))
