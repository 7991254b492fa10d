# flexmix: KLdiv of the columns of a matrix.
source(file.path(commandArgs(TRUE)[1], "../r/klap.R"))

serve("flexmix", list(KLdiv = function() {
  library(flexmix)
  list(kl = function(p, q) KLdiv(cbind(p, q))[1, 2])
}))
