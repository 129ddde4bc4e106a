# Writes designs.json and means.json beside this file, with the version of rpact in them.
# Run once, from the root of the repository, where R has the package rpact (Debian: r-cran-rpact):
#
#     Rscript tests/golden/rpact/make_goldens.R tests/golden/rpact
#
# The tests read the JSON and need no R. Names on the left of a case are those of simtrial; the
# designs are rpact's own, computed with its smallest tolerance.

suppressMessages(library(rpact))
folder <- commandArgs(trailingOnly = TRUE)[1]
tolerance <- 1e-10

# ---- a few kinds of JSON, 15 digits -------------------------------------------------------------
quoted <- function(x) paste0("\"", x, "\"")
number <- function(x) ifelse(is.na(x) | is.infinite(x), "null", sprintf("%.15g", x))
as_json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) {
    fields <- mapply(function(k, v) paste0(quoted(k), ": ", as_json(v)), names(x), x)
    return(paste0("{", paste(fields, collapse = ", "), "}"))
  }
  if (is.logical(x) && !all(is.na(x))) return(ifelse(x, "true", "false"))
  if (is.character(x)) return(quoted(x))
  if (inherits(x, "AsIs")) return(paste0("[", paste(number(as.numeric(x)), collapse = ", "), "]"))
  number(x)
}
write_cases <- function(name, cases) {
  head <- sprintf("{\"rpact\": \"%s\",\n \"tolerance\": %g,\n \"cases\": [\n  ",
                  as.character(packageVersion("rpact")), tolerance)
  rows <- vapply(cases, as_json, "")
  writeLines(paste0(head, paste(rows, collapse = ",\n  "), "\n]}"), file.path(folder, name))
}

# What rpact does not tell of a design with one look is null: NA here.

# ---- one design ---------------------------------------------------------------------------------
types <- c(obrien_fleming = "OF", pocock = "P", wang_tsiatis = "WT", haybittle_peto = "HP",
           spend_obrien_fleming = "asOF", spend_pocock = "asP", spend_hwang_shih_de_cani = "asHSD",
           spend_kim_demets = "asKD", spend_given = "asUser", no_early_efficacy = "noEarlyEfficacy")
betas <- c(obrien_fleming = "bsOF", pocock = "bsP", hwang_shih_de_cani = "bsHSD",
           kim_demets = "bsKD", given = "bsUser")

design_of <- function(case) {
  args <- list(informationRates = case$information, alpha = case$alpha, sided = case$sided,
               beta = case$beta, typeOfDesign = types[[case$kind]], tolerance = tolerance)
  if (length(case$information) == 1) {  # rpact has no types of design at one look
    return(getDesignGroupSequential(kMax = 1, alpha = case$alpha, sided = case$sided,
                                    beta = case$beta))
  }
  if (case$kind == "wang_tsiatis") args$deltaWT <- case$parameter
  if (case$kind == "haybittle_peto") args$constantBoundsHP <- case$parameter
  if (case$kind %in% c("spend_hwang_shih_de_cani", "spend_kim_demets")) args$gammaA <- case$parameter
  if (case$kind == "spend_given") args$userAlphaSpending <- case$alpha_spent
  if (!is.null(case$futility)) args$futilityBounds <- case$futility
  if (!is.null(case$beta_family)) {
    args$typeBetaSpending <- betas[[case$beta_family]]
    if (!is.null(case$beta_parameter)) args$gammaB <- case$beta_parameter
    if (!is.null(case$beta_spent)) args$userBetaSpending <- case$beta_spent
    if (case$sided == 2) args$betaAdjustment <- FALSE
  }
  if (!is.null(case$futility) || !is.null(case$beta_family)) args$bindingFutility <- case$binding
  suppressWarnings(do.call(getDesignGroupSequential, args))  # two-sided beta spending: experimental
}

# rpact writes -6 for a futility bound that is not there
none_as_na <- function(x) ifelse(is.na(x) | x <= -6, NA, x)

described <- function(case) {
  d <- design_of(case)
  ch <- getDesignCharacteristics(d)
  one <- length(case$information) == 1
  arrays <- c("information", "alpha_spent", "futility", "beta_spent")
  spec <- lapply(names(case), function(k) if (k %in% arrays) I(case[[k]]) else case[[k]])
  names(spec) <- names(case)
  list(design = spec, rpact = list(
    critical = I(d$criticalValues), stage_levels = I(d$stageLevels), alpha_spent = I(d$alphaSpent),
    futility = if (one) NA else I(none_as_na(d$futilityBounds)),
    shift = ch$shift, inflation = ch$inflationFactor,
    expected_h1 = if (one) NA else ch$averageSampleNumber1,
    expected_h01 = if (one) NA else ch$averageSampleNumber01,
    expected_h0 = if (one) NA else ch$averageSampleNumber0,
    reject = if (one) NA else I(as.numeric(ch$rejectionProbabilities)),
    futile = if (one) NA else I(as.numeric(ch$futilityProbabilities))))
}

case <- function(kind, information, alpha = 0.025, sided = 1, beta = 0.2, binding = FALSE, ...) {
  list(kind = kind, information = information, alpha = alpha, sided = sided, beta = beta,
       binding = binding, ...)
}
equal <- function(k) (1:k) / k
uneven <- list(1, c(0.4, 1), c(0.35, 0.7, 1), c(0.25, 0.45, 0.8, 1), c(0.2, 0.5, 0.6, 0.85, 1),
               c(0.2, 0.3, 0.5, 0.65, 0.9, 1))

cases <- list()
add <- function(...) cases[[length(cases) + 1]] <<- case(...)

for (k in 1:6) for (sided in 1:2) {           # K from 1 to 6, equal steps and not
  alpha <- 0.025 * sided
  add("obrien_fleming", if (k %% 2) equal(k) else uneven[[k]], alpha, sided, 0.2)
  add("pocock", if (k %% 2) uneven[[k]] else equal(k), alpha, sided, 0.1)
  add("spend_obrien_fleming", uneven[[k]], alpha, sided, 0.1)
  add("spend_pocock", equal(k), alpha, sided, 0.2)
}
for (sided in 1:2) {
  alpha <- 0.025 * sided
  add("wang_tsiatis", equal(3), alpha, sided, 0.2, parameter = 0.1)
  add("wang_tsiatis", uneven[[4]], alpha, sided, 0.1, parameter = 0.25)
  add("wang_tsiatis", uneven[[5]], 0.05, sided, 0.1, parameter = 0.4)
  add("haybittle_peto", equal(4), alpha, sided, 0.2, parameter = 3)
  add("haybittle_peto", uneven[[3]], alpha, sided, 0.1, parameter = 2.7)
  add("spend_hwang_shih_de_cani", equal(4), alpha, sided, 0.1, parameter = -4)
  add("spend_hwang_shih_de_cani", uneven[[6]], alpha, sided, 0.2, parameter = 1.5)
  add("spend_kim_demets", uneven[[3]], alpha, sided, 0.1, parameter = 1)
  add("spend_kim_demets", equal(5), alpha, sided, 0.2, parameter = 3.5)
  add("spend_given", uneven[[4]], 0.05, sided, 0.2, alpha_spent = c(0.004, 0.012, 0.03, 0.05))
  add("no_early_efficacy", uneven[[3]], alpha, sided, 0.2)
}
for (binding in c(FALSE, TRUE)) {             # futility given on the scale of z
  add("obrien_fleming", equal(3), beta = 0.2, binding = binding, futility = c(0, 0.8))
  add("pocock", uneven[[4]], beta = 0.1, binding = binding, futility = c(-0.5, 0, 0.7))
  add("wang_tsiatis", uneven[[3]], beta = 0.2, binding = binding, parameter = 0.3,
      futility = c(0.2, 0.9))
  add("haybittle_peto", equal(3), beta = 0.2, binding = binding, parameter = 3, futility = c(-1, 0.5))
  add("spend_obrien_fleming", uneven[[5]], beta = 0.1, binding = binding,
      futility = c(-1, 0, 0.2, 0.9))
  add("spend_pocock", equal(2), 0.05, beta = 0.2, binding = binding, futility = 0.5)
  add("no_early_efficacy", uneven[[4]], beta = 0.2, binding = binding, futility = c(-0.3, 0.2, 0.9))
  # futility that spends beta
  add("spend_obrien_fleming", equal(3), beta = 0.1, binding = binding, beta_family = "obrien_fleming")
  add("spend_obrien_fleming", uneven[[5]], beta = 0.2, binding = binding, beta_family = "pocock")
  add("spend_pocock", uneven[[3]], beta = 0.2, binding = binding, beta_family = "pocock")
  add("spend_hwang_shih_de_cani", uneven[[4]], beta = 0.1, binding = binding, parameter = -4,
      beta_family = "hwang_shih_de_cani", beta_parameter = -2)
  add("spend_hwang_shih_de_cani", equal(6), beta = 0.2, binding = binding, parameter = 1,
      beta_family = "kim_demets", beta_parameter = 2)
  add("spend_kim_demets", equal(2), 0.05, beta = 0.1, binding = binding, parameter = 2,
      beta_family = "kim_demets", beta_parameter = 1.5)
  add("spend_kim_demets", uneven[[3]], beta = 0.2, binding = binding, parameter = 3,
      beta_family = "given", beta_spent = c(0.03, 0.09, 0.2))
  add("spend_given", uneven[[3]], 0.05, beta = 0.15, binding = binding,
      alpha_spent = c(0.005, 0.02, 0.05), beta_family = "hwang_shih_de_cani", beta_parameter = -3)
  # a wedge about 0 in a two-sided test
  add("spend_obrien_fleming", equal(3), 0.05, 2, 0.2, binding = binding, beta_family = "given",
      beta_spent = c(0.06, 0.1, 0.2))
  add("spend_pocock", c(0.5, 1), 0.05, 2, 0.2, binding = binding, beta_family = "hwang_shih_de_cani",
      beta_parameter = 0.5)
}
write_cases("designs.json", lapply(cases, described))

# ---- trials that compare two means, standard deviation known ------------------------------------
as_trial <- function(case, alternative, sd, n) {
  d <- design_of(case)
  power <- getPowerMeans(d, groups = 2, normalApproximation = TRUE, alternative = alternative,
                         stDev = sd, maxNumberOfSubjects = n)
  size <- getSampleSizeMeans(d, groups = 2, normalApproximation = TRUE, alternative = alternative,
                             stDev = sd)
  arrays <- c("information", "alpha_spent", "futility", "beta_spent")
  spec <- lapply(names(case), function(k) if (k %in% arrays) I(case[[k]]) else case[[k]])
  names(spec) <- names(case)
  one <- length(case$information) == 1
  list(design = spec, mean_difference = alternative, sd = sd, n = n, rpact = list(
    power = power$overallReject,
    reject = if (one) NA else I(as.numeric(power$rejectPerStage)),
    futile = if (one) NA else I(as.numeric(power$futilityPerStage)),
    expected_n = if (one) NA else power$expectedNumberOfSubjects,
    required_n = if (one) size$nFixed else size$maxNumberOfSubjects,
    expected_n_h0 = if (one) NA else size$expectedNumberOfSubjectsH0,
    expected_n_h01 = if (one) NA else size$expectedNumberOfSubjectsH01,
    expected_n_h1 = if (one) NA else size$expectedNumberOfSubjectsH1))
}
trials <- list(
  as_trial(case("obrien_fleming", 1), 0.5, 1, 120),
  as_trial(case("pocock", 1, 0.05, 2, 0.1), 8, 20, 200),
  as_trial(case("obrien_fleming", equal(3)), 0.5, 1, 120),
  as_trial(case("pocock", equal(2), 0.05, 2, 0.1), 8, 20, 300),
  as_trial(case("wang_tsiatis", uneven[[4]], 0.05, 1, 0.1, parameter = 0.25), 2, 5, 150),
  as_trial(case("haybittle_peto", uneven[[3]], parameter = 3), 0.3, 1, 400),
  as_trial(case("spend_obrien_fleming", uneven[[5]], 0.05, 2, 0.2), 12, 25, 160),
  as_trial(case("spend_pocock", equal(6)), 0.6, 1.5, 260),
  as_trial(case("spend_hwang_shih_de_cani", uneven[[3]], parameter = -4, beta = 0.1,
                beta_family = "hwang_shih_de_cani", beta_parameter = -2), 0.5, 1, 180),
  as_trial(case("spend_kim_demets", equal(4), parameter = 2, beta = 0.2, binding = TRUE,
                beta_family = "kim_demets", beta_parameter = 2), 15, 30, 130),
  as_trial(case("spend_obrien_fleming", equal(3), futility = c(0, 0.5)), 0.4, 1, 220),
  as_trial(case("pocock", uneven[[2]], binding = TRUE, futility = 0.3), 0.4, 1, 220))
write_cases("means.json", trials)
