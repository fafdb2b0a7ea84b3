# The data sets, from the R packages that carry them; two are typed from their source.
#
# rstanarm is read without being loaded, so that its folder is enough: R_LIBS names where that lies.

source("common.R")

from <- function(package, name) {
  found <- new.env()
  data(list = name, package = package, envir = found)
  as.data.frame(found[[name]])
}

write_data("Dyestuff", from("lme4", "Dyestuff")[c("Batch", "Yield")])
write_data("Dyestuff2", from("lme4", "Dyestuff2")[c("Batch", "Yield")])
write_data("Penicillin", from("lme4", "Penicillin")[c("plate", "diameter")])
write_data("sleepstudy", from("lme4", "sleepstudy")[c("Reaction", "Days", "Subject")])
write_data("Pastes", from("lme4", "Pastes")[c("batch", "cask", "strength")])
write_data("cbpp", from("lme4", "cbpp")[c("herd", "incidence", "size", "period")])
write_data("Rail", from("nlme", "Rail")[c("Rail", "travel")])
write_data("Oxide", from("nlme", "Oxide")[c("Lot", "Wafer", "Thickness")])
write_data("Oats", from("nlme", "Oats")[c("Block", "Variety", "yield", "nitro")])
write_data("Machines", from("nlme", "Machines")[c("Worker", "Machine", "score")])
write_data("Pixel", from("nlme", "Pixel")[c("Dog", "Side", "pixel")])
write_data("Exam", from("mlmRev", "Exam")[c("school", "normexam", "standLRT", "sex", "type", "schavg", "schgend")])
write_data("radon", from("rstanarm", "radon")[c("floor", "county", "log_radon", "log_uranium")])
write_data("bball1970", from("rstanarm", "bball1970")[c("Player", "AB", "Hits", "RemainingAB", "RemainingHits")])
write_data("insurance", from("MASS", "Insurance")[c("District", "Group", "Age", "Holders", "Claims")])

tumors <- from("rstanarm", "tumors")
write_data("rat_tumors", data.frame(group = seq_len(nrow(tumors)), tumors[c("y", "K")]))

bcg <- metafor::escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = from("metadat", "dat.bcg"))
write_data("bcg", with(bcg, data.frame(trial, yi = as.vector(yi), vi, ni = tpos + tneg + cpos + cneg, ablat, year)))
write_data("bcg_counts", bcg[c("trial", "author", "year", "tpos", "tneg", "cpos", "cneg", "ablat", "alloc")])
write_data("raudenbush1985", from("metadat", "dat.raudenbush1985")[c("study", "yi", "vi", "weeks")])
schools <- from("metadat", "dat.konstantopoulos2011")
write_data("konstantopoulos2011", schools[c("district", "school", "study", "yi", "vi")])

# One row per state and quarter.
claims <- from("actuar", "hachemeister")
write_data("hachemeister", data.frame(
  state = rep(claims[, "state"], each = 12),
  period = 1:12,
  ratio = as.vector(t(claims[, paste0("ratio.", 1:12)])),
  weight = as.vector(t(claims[, paste0("weight.", 1:12)]))
))

# Rubin (1981), "Estimation in parallel randomized experiments"; Gelman et al. (2013), table 5.2.
write_data("eight_schools", data.frame(
  school = LETTERS[1:8], y = c(28, 8, -3, 7, -1, 1, 18, 12), se = c(15, 10, 16, 11, 9, 11, 10, 18)
))

# Gaver & O'Muircheartaigh (1987), "Robust empirical Bayes analyses of event rates", Technometrics 29(1), table 3.
write_data("pumps", data.frame(
  pump = 1:10,
  failures = c(5, 1, 5, 14, 3, 19, 1, 1, 4, 22),
  thousand_hours = c(94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5)
))
