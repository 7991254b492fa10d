# proxy: its measure "Kullback" of the rows of two matrices, and of the rows of one.
source(file.path(commandArgs(TRUE)[1], "../r/klap.R"))

serve("proxy", list(
  dist.Kullback = function() {
    library(proxy)
    list(kl = function(p, q) dist(rbind(p), rbind(q), method = "Kullback"),
      kl_rows = function(p, q) dist(p, q, method = "Kullback", pairwise = TRUE))
  },
  dist.Kullback.matrix = function() {
    library(proxy)
    list(kl = function(p, q) as.matrix(dist(rbind(p, q), method = "Kullback"))[1, 2])
  }))
